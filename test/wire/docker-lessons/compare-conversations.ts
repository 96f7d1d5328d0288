import type { Exchange } from './conversation.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';

/** What of an answer is other than dockerd's, in lines; without what is known and wanted. */
export function unexplained(golden: readonly Exchange[], found: readonly Exchange[]): string[] {
  return golden.flatMap((theirs, i) => {
    const lines = found[i] === undefined ? ['was not asked'] : differences(theirs, found[i]);
    return lines
      .filter((line) => !KNOWN_DIFFERENCES.some((known) => known.command.test(theirs.command) && known.line.test(line)))
      .map((line) => `${theirs.command}\n    ${line}`);
  });
}

function differences(theirs: Exchange, ours: Exchange): string[] {
  const found: string[] = [];
  if (theirs.command !== ours.command) found.push(`command: ${ours.command}`);
  if (theirs.code !== ours.code) found.push(`exit code ${ours.code}, not ${theirs.code}`);
  for (const part of ['out', 'err', 'screen'] as const)
    found.push(...lineDifferences(part, theirs[part] ?? [], ours[part] ?? []));
  const vertices = new Set([...Object.keys(theirs.steps ?? {}), ...Object.keys(ours.steps ?? {})]);
  for (const vertex of vertices)
    found.push(
      ...lineDifferences(
        vertex,
        theirs.steps?.[vertex] ?? ['no such vertex'],
        ours.steps?.[vertex] ?? ['no such vertex'],
      ),
    );
  return found;
}

function lineDifferences(part: string, theirs: readonly string[], ours: readonly string[]): string[] {
  const length = Math.max(theirs.length, ours.length);
  return Array.from({ length }, (_, i) => i)
    .filter((i) => theirs[i] !== ours[i])
    .map((i) => `${part} ${i + 1}: ${shown(ours[i])}, not ${shown(theirs[i])}`);
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : JSON.stringify(line);
}
