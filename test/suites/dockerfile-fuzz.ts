import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Complaint } from '../../src/dockerfile/complaint.ts';
import { expand } from '../../src/dockerfile/expand.ts';
import { matchesGlob, parseGlob } from '../../src/dockerfile/glob.ts';
import { parseIgnore } from '../../src/dockerfile/ignore.ts';
import { readDirectives } from '../../src/dockerfile/lex/directives.ts';
import { removePattern, replacePattern } from '../../src/dockerfile/shell-pattern.ts';
import { excerpt, Problem } from '../../src/lib/problem.ts';
import { compile } from './compile-dockerfile.ts';
import { HOSTILE_DOCKERFILES, HOSTILE_PATTERNS } from './hostile-dockerfiles.ts';

export interface FuzzOptions {
  /** Inputs for each property. */
  runs: number;
  /** Given to fast-check, and part of each test's name, so that a failure can be had again. */
  seed: number;
}

/** Long on a busy machine; what this catches takes hours or for ever. */
const HOSTILE_MS = 20_000;

const PIECES = [
  ...[
    'FROM a',
    'FROM $X AS b',
    'from',
    'RUN',
    'COPY',
    'ADD',
    'ENV',
    'ARG',
    'LABEL',
    'CMD',
    'ENTRYPOINT',
    'SHELL',
    'EXPOSE',
  ],
  ...['ONBUILD', 'HEALTHCHECK', 'VOLUME', 'USER', 'WORKDIR', 'STOPSIGNAL', 'MAINTAINER', 'NONE', 'AS', 'scratch', '0'],
  ...[
    '--from=b',
    '--from=',
    '--chown=1:2',
    '--chmod=u+x',
    '--mount=type=cache,target=/x',
    '--mount=',
    '--platform=$P',
    '--',
  ],
  ...[
    '--link',
    '--exclude=*',
    '--interval=1s',
    '<<EOF',
    '<<-"E F"',
    'EOF',
    '\n',
    '\n',
    '\n',
    '\\\n',
    '\\',
    '`',
    ' ',
    '\t',
    '\r',
  ],
  ...[
    '"',
    "'",
    '[',
    ']',
    '["a"]',
    ',',
    '$',
    '${',
    '}',
    '$X',
    '${X:-y}',
    '${X//a/b}',
    ':',
    '=',
    'a=b',
    '#',
    '# check=skip=all',
  ],
  ...[
    '# escape=`',
    '# syntax=x',
    '*',
    '?',
    '!',
    '..',
    '/',
    '/./',
    '~',
    '\u0000',
    'ż',
    '💥',
    '\uFEFF',
    '80-90/TCP',
    '1:2',
  ],
];

const piece = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...PIECES) }, { weight: 1, arbitrary: fc.string() });
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const shellWord = fc
  .array(
    fc.constantFrom(
      '$',
      '{',
      '}',
      'a',
      'X',
      '_',
      '1',
      ':',
      '-',
      '+',
      '?',
      '#',
      '%',
      '/',
      '*',
      '\\',
      '"',
      "'",
      ' ',
      'ż',
    ),
    {
      maxLength: 24,
    },
  )
  .map((pieces) => pieces.join(''));
const small = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 12 }).map((pieces) => pieces.join(''));
const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const wildcard = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '?', '**', '**/', '[ab]', '[^a]'), { maxLength: 8 })
  .map((p) => p.join(''));
const plainPattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '?'), { maxLength: 8 })
  .map((pieces) => pieces.join(''));

/** Whatever the text is, the compiler understands it or says what is wrong and where; nothing else happens. */
export function dockerfileFuzz({ runs, seed }: FuzzOptions): void {
  const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns: runs, seed });

  describe(`any text (seed ${seed}, ${runs} each)`, () => {
    it('is compiled, or complained about with a place in it', () =>
      check(
        fc.property(text, (body) => {
          const file = `FROM a AS b\n${body}`;
          orProblem(() => {
            const { plan, program } = compile(file);
            for (const { place } of [...plan.warnings, ...program.warnings]) withinText(place, file);
          }, file);
          orProblem(() => compile(body), body);
        }),
      ));

    it('as a word is expanded, or complained about', () =>
      check(
        fc.property(shellWord, (word) => {
          try {
            const { text: expanded, words, references } = expand(word, (name) => (name === 'X' ? 'va lue' : undefined));
            if (!/[$"'\\]/.test(word)) expect([expanded, words]).toEqual([word, word.split(' ').filter(Boolean)]);
            for (const { start, end } of references) expect(start < end && end <= word.length).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(Complaint);
          }
        }),
      ));

    it('as directives is read, or complained about', () =>
      check(
        fc.property(
          fc.array(fc.oneof(fc.constantFrom('# escape=`', '#check=skip=A', '# syntax = x '), fc.string())),
          (lines) => {
            try {
              const { lines: count } = readDirectives(lines);
              expect(count).toBeLessThanOrEqual(lines.length);
            } catch (error) {
              expect(error).toBeInstanceOf(Complaint);
            }
          },
        ),
      ));
  });

  describe(`patterns (seed ${seed}, ${runs} each)`, () => {
    it('of ${v#p} and ${v%p} cut what a regular expression cuts', () =>
      check(
        fc.property(small, plainPattern, fc.boolean(), (value, pattern, longest) => {
          const any = regexSource(pattern);
          const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
          const front = lengths.filter((length) => new RegExp(`^${any}$`, 's').test(value.slice(0, length)));
          const end = lengths.filter((length) => new RegExp(`^${any}$`, 's').test(value.slice(value.length - length)));
          const cut = (found: number[]) => (longest ? found.at(-1) : found[0]) ?? 0;
          expect(removePattern(value, pattern, 'front', longest)).toBe(value.slice(cut(front)));
          expect(removePattern(value, pattern, 'end', longest)).toBe(value.slice(0, value.length - cut(end)));
        }),
      ));

    it('of ${v/p/r} replace what a regular expression replaces', () =>
      check(
        fc.property(small, plainPattern, fc.boolean(), (value, pattern, all) => {
          const regex = new RegExp(`(?=.)${regexSource(pattern)}`, all ? 'gs' : 's');
          const wanted = value.replace(regex, (found) => (found === '' ? '' : '<>'));
          expect(replacePattern(value, pattern, '<>', all)).toBe(wanted);
        }),
      ));

    it('of ignore files and COPY match as the regular expressions of Go’s patternmatcher', () =>
      check(
        fc.property(wildcard, small, fc.boolean(), (pattern, path, deep) => {
          let glob: ReturnType<typeof parseGlob>;
          try {
            glob = parseGlob(pattern, { deep });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(matchesGlob(glob, path)).toBe(new RegExp(`^${globSource(pattern, deep)}$`, 's').test(path));
        }),
      ));

    it('of a whole ignore file decide, or are complained about', () =>
      check(
        fc.property(
          fc.array(
            fc.oneof(
              wildcard,
              wildcard.map((rule) => `!${rule}`),
              fc.string(),
            ),
          ),
          path,
          (rules, path) => {
            orProblem(() => {
              const matcher = parseIgnore(rules.join('\n'));
              const rule = matcher.ruleFor(path);
              if (matcher.excludes(path)) expect(rule?.text.startsWith('!')).toBe(false);
              // what can't be let in again below an excluded folder is excluded
              if (matcher.excludes(path) && !matcher.mayReinclude(path))
                expect(matcher.excludes(`${path}/a`)).toBe(true);
            }, rules.join('\n'));
          },
        ),
      ));
  });
}

/** Inputs of megabytes and patterns made to explode: each is done, or refused, in time that grows with its length. */
export function hostileTexts(): void {
  describe('hostile texts', () => {
    it.each(Object.entries(HOSTILE_DOCKERFILES))('%s', { timeout: HOSTILE_MS }, (_, make) => {
      const file = make();
      orProblem(() => compile(file), file);
    });

    it.each(Object.entries(HOSTILE_PATTERNS))('of an ignore file: %s', { timeout: HOSTILE_MS }, (_, make) => {
      const [rules, path] = make();
      orProblem(() => parseIgnore(rules).excludes(path), rules);
    });
  });
}

function orProblem(work: () => void, file: string): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.place !== undefined) withinText(error.place, file);
  }
}

/** A place points into the text, so that an excerpt can be cut. */
function withinText(place: NonNullable<Problem['place']>, file: string): void {
  const lines = file.split('\n').length;
  for (const { line, endLine, column, endColumn } of place.ranges) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(endLine).toBeLessThanOrEqual(lines);
    expect(endLine > line || endColumn >= column).toBe(true);
  }
  if (place.ranges.length > 0) expect(excerpt(place)).toContain('>>>');
}

function regexSource(pattern: string): string {
  return pattern.replace(/[*?]/g, (wild) => (wild === '*' ? '.*' : '.'));
}

/** As patternmatcher builds it; without `deep`, filepath.Match. */
function globSource(pattern: string, deep: boolean): string {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '*' && deep && pattern[at + 1] === '*') {
      at += pattern[at + 2] === '/' ? 2 : 1;
      source += at + 1 >= pattern.length ? '.*' : '(.*/)?';
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else source += character;
  }
  return deep && /^\*\*[^/*?[\]][^*?[\]]*$/.test(pattern) ? `.*${pattern.slice(2)}` : source;
}
