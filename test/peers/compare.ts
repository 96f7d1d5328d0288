import type { BuildCase } from './build-case.ts';
import type { FlatImage } from './flat-image.ts';

/** What a builder made of a case. */
export type BuildAnswer = { image: FlatImage } | { error: string; exitCode?: number };

/**
 * What two answers to different texts can agree in: the tree and the settings, not the steps that led there.
 * Answers to the same text are left as they are.
 */
export function comparable(each: BuildCase, answer: BuildAnswer): BuildAnswer {
  if (each.equivalent === undefined || !('image' in answer)) return answer;
  return { image: { ...answer.image, history: [], layers: 0 } };
}

/** As `differences`; that one side failed is the only one then. What they say when both fail is each one's own. */
export function answerDifferences(expected: BuildAnswer, found: BuildAnswer): string[] {
  if ('image' in expected && 'image' in found) return differences(expected.image, found.image);
  if ('image' in expected && 'error' in found) return [`error: ${found.error}, not an image`];
  if ('error' in expected && 'image' in found) return [`an image, not error: ${expected.error}`];
  return [];
}

/**
 * What differs, one line each: `file etc/x: A, not B`. Both lists of files are complete, so a path that one side lacks is a
 * difference too.
 */
export function differences(expected: FlatImage, found: FlatImage): string[] {
  const out: string[] = [];
  compareRecords('file', expected.files, found.files, out);
  compareRecords('removed', named(expected.removed), named(found.removed), out);
  compareRecords('config', texts(expected.config), texts(found.config), out);
  if (expected.layers !== found.layers) out.push(`layers: ${found.layers}, not ${expected.layers}`);
  const lines = Math.max(expected.history.length, found.history.length);
  for (let i = 0; i < lines; i++) {
    const [theirs, ours] = [expected.history[i] ?? 'nothing', found.history[i] ?? 'nothing'];
    if (theirs !== ours) out.push(`history ${i}: ${ours}, not ${theirs}`);
  }
  return out;
}

function compareRecords(
  what: string,
  expected: Record<string, string>,
  found: Record<string, string>,
  out: string[],
): void {
  for (const key of [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort())
    if (expected[key] !== found[key])
      out.push(`${what} ${key}: ${found[key] ?? 'nothing'}, not ${expected[key] ?? 'nothing'}`);
}

function named(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [path, 'removed']));
}

function texts(config: object): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, canonical(value)]));
}

/** JSON with the keys of objects in order; lists keep theirs. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
