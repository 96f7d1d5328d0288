/** Lines of each vertex of a stage, by its name, in the words that all versions of BuildKit share. */
export type PlainLines = Record<string, string[]>;

/**
 * BuildKit's plain lines without what is different every time (numbers, times, digests) or in every version. What only one
 * of the builders has to do (fetching the context, asking for metadata) is left out; the order within a vertex counts.
 */
export function maskedPlain(text: string): PlainLines {
  const names = new Map<string, string>();
  const lines: PlainLines = {};
  for (const line of text.split('\n')) {
    const [, id = '', rest = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    if (id === '') continue;
    if (!names.has(id)) names.set(id, nameOf(rest));
    const name = names.get(id) ?? '';
    // stands again after another one spoke, as does the word that more will follow
    if (nameOf(rest) === name || rest === '...' || !/^(\[(?!internal)|FROM )/.test(name)) continue;
    const said = maskedLine(rest, name);
    lines[name] ??= [];
    if (said !== undefined) lines[name].push(said);
  }
  return lines;
}

/**
 * 20.10 names a base by its whole reference, later ones with the digest too; we as the file does. BuildKit shows a base that
 * several stages have once, under one of them.
 */
function nameOf(line: string): string {
  return line.replace(/^\[.*\d+\/\d+\] FROM (?:docker\.io\/library\/)?(\S+).*$/, 'FROM $1').replaceAll(/\s+/g, ' ');
}

function maskedLine(line: string, name: string): string | undefined {
  // 20.10 says the digest of every vertex; bytes on their way are as many as a builder needs
  if (/^sha256:[0-9a-f]{64}/.test(line) || /^(transferring|copying|extracting)/.test(line)) return undefined;
  // whether a base counts as cached is told by nothing that a person could do anything about
  if (name.startsWith('FROM ') && /^(CACHED|DONE)/.test(line)) return undefined;
  return line
    .replace(/^\d+\.\d{3} /, 'T ')
    .replace(/^DONE \d+\.\ds$/, 'DONE T')
    .replace(/^ERROR: .*exit code: (\d+)$/, 'ERROR: exit code: $1');
}

/** What stands at the end of a build that failed: which vertex did. */
export function failedVertex(text: string): string | undefined {
  return /^------\n > (.*):$/m.exec(text)?.[1];
}

/**
 * The old builder's lines without ids, and without the containers that it starts for instructions that run nothing; we start
 * none for them, and have nothing to look up in a cache either.
 */
export function maskedClassic(text: string): string[] {
  let runs = false;
  const lines: string[] = [];
  for (const line of text.replaceAll(/\u001b\[\d+m/g, '').split('\n')) {
    const step = /^Step \d+\/\d+ : (\w+)/.exec(line)?.[1];
    if (step !== undefined) runs = step === 'RUN';
    if (/^Sending build context/.test(line)) continue;
    if (/Running in|^Removing intermediate/.test(line) && !runs) continue;
    if (line === ' ---> Using cache' && step === undefined && !runs) continue;
    // the error itself, which every client says in its own words
    if (/returned a non-zero code/.test(line)) continue;
    lines.push(
      line
        .replace(/[0-9a-f]{12}$/, 'ID')
        .replace(/ {2,}/g, ' ')
        .trimEnd(),
    );
  }
  return lines.filter((line) => line !== '');
}
