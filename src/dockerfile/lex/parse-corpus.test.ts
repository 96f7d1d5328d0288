import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../stages.ts';
import { readDirectives } from './directives.ts';
import { physicalLines } from './lines.ts';
import type { Node } from './nodes.ts';
import { parseLines } from './parse.ts';

const folder = new URL('../../../../shared/corpora/buildkit-parser/', import.meta.url);
const absent = !existsSync(folder);
const cases = absent ? [] : readdirSync(new URL('testfiles/', folder));
const negative = absent ? [] : readdirSync(new URL('testfiles-negative/', folder));

function nodesOf(text: string): Node[] {
  const lines = physicalLines(text);
  return parseLines(lines, readDirectives(lines)).nodes;
}

/** The S-expression form of the corpus, with Go's quoting. */
function dump(node: Node): string {
  const words = node.pairs.flatMap(({ key, value, separator }) => [key.text, value.text, separator]);
  const parts = [
    node.name.toLowerCase(),
    ...(node.flags.length > 0 ? [`[${node.flags.map((flag) => quote(flag.text)).join(' ')}]`] : []),
    ...(node.trigger === undefined ? [] : [dump(node.trigger)]),
    ...[...words, ...node.words.map((word) => word.text)].map(quote),
  ];
  return `(${parts.join(' ')})`;
}

function quote(text: string): string {
  return JSON.stringify(text).replace(/\\u0000/g, '\\x00');
}

describe.skipIf(absent)('BuildKit’s parser files (skipped where ../shared is absent)', () => {
  it.each(cases)('%s', (name) => {
    const text = readFileSync(new URL(`testfiles/${name}/Dockerfile`, folder), 'utf8');
    const wanted = readFileSync(new URL(`testfiles/${name}/result`, folder), 'utf8').trim();
    expect(nodesOf(text).map(dump).join('\n')).toBe(wanted);
  });

  it.each(negative)('refuses %s', (name) => {
    const text = readFileSync(new URL(`testfiles-negative/${name}/Dockerfile`, folder), 'utf8');
    expect(() => parseDockerfile(text, 'Dockerfile')).toThrow();
  });

  it('are 38 cases', () => {
    console.log(`parser: ${cases.length} trees, ${negative.length} refused, 1 of lines`);
    expect(cases.length + negative.length + 1).toBe(38);
  });

  it('knows the lines that an instruction spans', () => {
    const text = readFileSync(new URL('testfile-line/Dockerfile', folder), 'utf8');
    const lines = nodesOf(text).map((node) => [node.range.line, node.range.endLine]);
    expect(lines.slice(0, 2)).toEqual([
      [5, 5],
      [11, 12],
    ]);
    expect(lines.at(-1)).toEqual([17, 31]);
  });
});
