// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles write their variables like this
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../lib/problem.ts';
import { parseDockerfile } from '../stages.ts';
import { readDirectives } from './directives.ts';
import { physicalLines } from './lines.ts';
import { type Node, rangeWithin } from './nodes.ts';
import { type ParsedText, parseLines } from './parse.ts';

function parse(text: string): ParsedText {
  const lines = physicalLines(text);
  return parseLines(lines, readDirectives(lines));
}

const nodesOf = (text: string): Node[] => parse(text).nodes;
const wordsOf = (text: string): string[][] => nodesOf(text).map((node) => node.words.map((word) => word.text));

describe('lines', () => {
  it('joins continued lines, drops comments between them, and remarks on empty ones', () => {
    const { nodes, remarks } = parse('RUN a && \\\n  # why\n\n  b \\  \n  c\n');
    expect(nodes.map((node) => node.text)).toEqual(['RUN a &&   b   c']);
    expect(remarks).toMatchObject([{ rule: 'NoEmptyContinuation', ranges: [{ line: 3 }] }]);
  });

  it('takes an escaped escape at the end for itself', () => {
    expect(nodesOf('ENV A=x\\\\\nENV B=y').map((node) => node.text)).toEqual(['ENV A=x\\\\', 'ENV B=y']);
  });

  it('reads a byte order mark, CRLF, leading blanks and any case', () => {
    expect(wordsOf('\uFEFF# syntax=docker/dockerfile:1\r\n  from a\r\nRun b \\\r\n  c\r\n')).toEqual([
      ['a'],
      ['b   c'],
    ]);
  });

  it('knows where every word stands, across lines', () => {
    const [node] = nodesOf('COPY --chown=1 \\\n  first \\\n  "sec\'ond" /');
    expect(node?.flags[0]?.range).toEqual({ line: 1, column: 6, endLine: 1, endColumn: 15 });
    expect(node?.words.map(({ range }) => [range.line, range.column, range.endColumn])).toEqual([
      [2, 3, 8],
      [3, 3, 12],
      [3, 13, 14],
    ]);
    expect(node?.range).toEqual({ line: 1, column: 1, endLine: 3, endColumn: 14 });
    const word = node?.words[0];
    expect(node && word && rangeWithin(node, word, 1, 3)).toEqual({ line: 2, column: 4, endLine: 2, endColumn: 6 });
  });

  it('knows where the strings of an array stand', () => {
    const [node] = nodesOf('CMD [ "a", "b\\"c" ]');
    expect(node?.words.map(({ text, range }) => [text, range.column, range.endColumn])).toEqual([
      ['a', 7, 10],
      ['b"c', 12, 18],
    ]);
  });

  it('refuses a line that no builder would read', () => {
    expect(() => parse(`RUN ${'x'.repeat(65_532)}`)).toThrow('greater than max allowed size of 65535');
    expect(nodesOf(`RUN ${'x'.repeat(65_531)}`)).toHaveLength(1);
  });
});

describe('here-documents', () => {
  it('gathers several, with their own rules', () => {
    const [node, next] = nodesOf('COPY <<A <<-\'B C\' <<"D" /x/\n$a\nA\n\tb\n\tB C\nA\nD\nRUN next');
    expect(node?.heredocs).toEqual([
      { name: 'A', expand: true, chomp: false, content: '$a\n' },
      { name: 'D', expand: false, chomp: false, content: '\tb\n\tB C\nA\n' },
    ]);
    expect(node?.range.endLine).toBe(7);
    expect(next?.text).toBe('RUN next');
  });

  it('leaves comments, continuations and instructions inside them alone', () => {
    const [node] = nodesOf('RUN <<EOF\n# not a comment\na \\\nFROM x\nEOF');
    expect(node?.heredocs[0]?.content).toBe('# not a comment\na \\\nFROM x\n');
  });

  it('finds none in quotes, in arrays, or in other instructions', () => {
    const file = 'RUN echo "<<EOF"\nRUN ["cat", "<<EOF"]\nENV A=<<EOF\nRUN a <<< b';
    expect(nodesOf(file).map((node) => node.heredocs.length)).toEqual([0, 0, 0, 0]);
  });

  it('gives the script Unix line ends in a file that has others', () => {
    expect(nodesOf('RUN <<EOF\r\na\r\nEOF\r\n')[0]?.heredocs[0]?.content).toBe('a\n');
  });
});

describe('arrays', () => {
  it.each<[line: string, json: boolean, words: string[], rule?: string]>([
    ['CMD ["a", "b"]', true, ['a', 'b']],
    ['CMD []', true, []],
    ["CMD ['a', 'b']", false, ["['a', 'b']"], 'JSONArgsInvalid'],
    ['CMD ["a", "b",]', false, ['["a", "b",]'], 'JSONArgsInvalid'],
    ['RUN [ -f /x ]', false, ['[ -f /x ]']],
    ['RUN [ "$a" = "b" ]', false, ['[ "$a" = "b" ]']],
    ['CMD ["a"] # done', false, ['["a"] # done'], 'JSONArgsInvalid'],
    ['COPY ["a b", "c"]', true, ['a b', 'c']],
    ['COPY [a b]', false, ['[a', 'b]']],
  ])('%s', (line, json, words, rule) => {
    const { nodes, remarks } = parse(line);
    expect(nodes[0]?.json).toBe(json);
    expect(nodes[0]?.words.map((word) => word.text)).toEqual(words);
    expect(remarks.map((remark) => remark.rule)).toEqual(rule === undefined ? [] : [rule]);
  });
});

describe('directives', () => {
  it('are read at the top only', () => {
    expect(readDirectives(['#!/usr/bin/env build', '# escape = `', 'FROM a']).escape).toBe('`');
    expect(readDirectives(['# a comment', '# escape=`']).escape).toBe('\\');
    expect(readDirectives(['# unknown=1', '# escape=`']).escape).toBe('\\');
    expect(readDirectives(['', '# escape=`']).escape).toBe('\\');
  });

  it('accept every spelling of the built-in front end', () => {
    for (const name of [
      'docker/dockerfile',
      'docker/dockerfile:1.7-labs',
      'docker.io/docker/dockerfile:1@sha256:aa',
      'dockerfile.v0',
    ])
      expect(() => parseDockerfile(`# syntax=${name}\nFROM a`, 'Dockerfile')).not.toThrow();
    expect(() => parseDockerfile('# syntax=x/y\nFROM a', 'Dockerfile')).toThrow("the front end x/y can't be run");
    expect(() =>
      parseDockerfile('# syntax=x/y\nFROM a', 'Dockerfile', { syntax: 'docker/dockerfile:1' }),
    ).not.toThrow();
  });
});

it('complains of any text in its own words, or reads it', () => {
  const piece = fc.constantFrom(
    ...[
      'FROM a',
      'RUN',
      'COPY',
      '<<EOF',
      'EOF',
      '\\',
      '\n',
      ' ',
      '"',
      "'",
      '[',
      ']',
      ',',
      '$',
      '{',
      '}',
      '=',
      '--from=',
      '#',
      'ENV',
      'ONBUILD',
    ],
    ...['HEALTHCHECK', '--mount=type=cache,', 'LABEL', '\t', '\r', 'ż'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        parseDockerfile(`FROM a\n${pieces.join('')}`, 'Dockerfile');
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
    }),
    { numRuns: 2000 },
  );
});
