import type { Exchange } from './conversation.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';

/** What of an answer is other than dockerd's, in lines; without what is known and wanted. */
export function unexplained(golden: readonly Exchange[], found: readonly Exchange[]): string[] {
  const same = new SameIds();
  return golden.flatMap((theirs, i) => {
    const lines = found[i] === undefined ? ['was not asked'] : differences(theirs, found[i], same);
    return lines
      .filter((line) => !KNOWN_DIFFERENCES.some((known) => known.command.test(theirs.command) && known.line.test(line)))
      .map((line) => `${theirs.command}\n    ${line}`);
  });
}

function differences(theirs: Exchange, ours: Exchange, same: SameIds): string[] {
  const found: string[] = [];
  if (!same.line(theirs.command, ours.command)) found.push(`command: ${ours.command}`);
  if (theirs.code !== ours.code) found.push(`exit code ${ours.code}, not ${theirs.code}`);
  const words = theirs.command.startsWith('docker history') ? plainInstruction : (line: string) => line;
  for (const part of ['out', 'err', 'screen'] as const)
    found.push(...lineDifferences(part, (theirs[part] ?? []).map(words), (ours[part] ?? []).map(words), same));
  const vertices = new Set([...Object.keys(theirs.steps ?? {}), ...Object.keys(ours.steps ?? {})]);
  for (const vertex of vertices) {
    const [there, here] = [theirs.steps?.[vertex], ours.steps?.[vertex]];
    if (there === undefined || here === undefined)
      found.push(`${vertex}: ${here === undefined ? 'is missing' : 'is new'}`);
    else found.push(...lineDifferences(vertex, there, here, same));
  }
  return found;
}

/** So many characters of an instruction tell which one it is; a list cuts it off at different places. */
const TELLING = 20;

/**
 * A line of `docker history`, its instruction in words that builders share. Ours are BuildKit's, without its name, for both
 * builders: they share a cache, so that an image may be the work of both. The sizes of the base are left out: dockerd counts
 * what links take on its disk.
 */
function plainInstruction(line: string): string {
  const [id = '', text = '', end = ''] = /^((?:sha256:)?ID\d+|<missing>)(?: {2}TIME)? +(.*?)( {2}(?:0B|SIZE).*)?$/
    .exec(line)
    ?.slice(1) ?? ['', line];
  const instruction = text
    .replace(/^\/bin\/sh -c #\(nop\) +/, '')
    .replace(/^(?:RUN )?\/bin\/sh -c /, 'RUN ')
    .replace(/ # b.*$/, '')
    .replace(/^EXPOSE \D*(\d+).*$/, 'EXPOSE $1')
    .replace(/^(COPY|ADD) .*$/, '$1');
  const size = id === '<missing>' ? '' : end.replace('  buildkit.dockerfile.v0', '').trim();
  return [id, instruction.slice(0, TELLING).trim(), size].filter((part) => part !== '').join('  ');
}

/** As `diff` has it: what only dockerd said, what only we said, and lines that speak of another one of their ids. */
function lineDifferences(part: string, theirs: readonly string[], ours: readonly string[], same: SameIds): string[] {
  const [there = [], here = []] = [theirs, ours].map((lines) => lines.map(withoutNumbers));
  const longest = commonLengths(there, here);
  const found: string[] = [];
  let [i, j] = [0, 0];
  while (i < there.length || j < here.length) {
    if (i < there.length && j < here.length && there[i] === here[j]) {
      if (!same.line(theirs[i] ?? '', ours[j] ?? '')) found.push(`${part}: other ids: ${ours[j]}, not ${theirs[i]}`);
      i++;
      j++;
    } else if (j === here.length || (i < there.length && at(longest, i + 1, j) >= at(longest, i, j + 1)))
      found.push(`${part}: lacks ${theirs[i++]}`);
    else found.push(`${part}: has ${ours[j++]}`);
  }
  return found;
}

/** Lengths of the longest common subsequence of what follows each pair of places. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      (lengths[i] as number[])[j] =
        a[i] === b[j] ? at(lengths, i + 1, j + 1) + 1 : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
  return lengths;
}

function at(lengths: readonly (readonly number[])[], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0;
}

function withoutNumbers(line: string): string {
  return line.replaceAll(/\bID\d+\b/g, 'ID');
}

/** An id of theirs stands for one of ours, and the other way round, through a whole conversation. */
class SameIds {
  readonly #ours = new Map<string, string>();
  readonly #theirs = new Map<string, string>();

  line(theirs: string, ours: string): boolean {
    if (withoutNumbers(theirs) !== withoutNumbers(ours)) return false;
    const [there = [], here = []] = [theirs, ours].map((line): string[] => line.match(/\bID\d+\b/g) ?? []);
    const holds = there.every(
      (id, i) => (this.#ours.get(id) ?? here[i]) === here[i] && (this.#theirs.get(here[i] ?? '') ?? id) === id,
    );
    // one that is wrong is told once
    for (const [i, id] of there.entries()) {
      this.#ours.set(id, here[i] ?? '');
      this.#theirs.set(here[i] ?? '', id);
    }
    return holds;
  }
}
