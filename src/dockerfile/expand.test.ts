// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles write their variables like this
import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';

const env: Record<string, string> = {
  NAME: 'api',
  EMPTY: '',
  PATHS: '/usr/local/lib/python3/site',
  LIST: 'one two  three',
  VERSION: '3.11.4-slim-bullseye',
  STARS: 'a*b*c',
  DOTS: 'a.b.c',
  ŻUK: 'beetle',
};

const lookup = (name: string) => (Object.hasOwn(env, name) ? env[name] : undefined);

/** Input as it stands in a Dockerfile, and what it means; `!` stands for an error. */
const TABLE: [input: string, wanted: string][] = [
  ['plain', 'plain'],
  ['', ''],
  ['$NAME', 'api'],
  ['${NAME}', 'api'],
  ['pre$NAME/post', 'preapi/post'],
  ['pre${NAME}post', 'preapipost'],
  ['$NAME$NAME', 'apiapi'],
  ['$NAMEpost', ''],
  ['$ŻUK', 'beetle'],
  ['$UNSET', ''],
  ['a${UNSET}b', 'ab'],
  ['$', '$'],
  ['100$', '100$'],
  ['$%', '$%'],
  ['$1x', 'x'],
  ['${10}', ''],
  ['$$NAME', 'NAME'],
  ['$@-$*-$#-$?', '---'],
  // defaults and alternatives
  ['${UNSET:-w}', 'w'],
  ['${EMPTY:-w}', 'w'],
  ['${NAME:-w}', 'api'],
  ['${UNSET-w}', 'w'],
  ['${EMPTY-w}', ''],
  ['${NAME-w}', 'api'],
  ['${UNSET:+w}', ''],
  ['${EMPTY:+w}', ''],
  ['${NAME:+w}', 'w'],
  ['${UNSET+w}', ''],
  ['${EMPTY+w}', 'w'],
  ['${UNSET:-$NAME}', 'api'],
  ['${UNSET:-${EMPTY:-${NAME}}}', 'api'],
  ['${UNSET:-}', ''],
  ['${UNSET:-"a b"}', 'a b'],
  ["${UNSET:-'$NAME'}", '$NAME'],
  ['${UNSET:-a}b}', 'ab}'],
  ['${UNSET:-\\}}', '}'],
  // required
  ['${NAME:?needed}', 'api'],
  ['${EMPTY?needed}', ''],
  ['${EMPTY:?needed}', '!EMPTY: needed'],
  ['${UNSET?}', '!UNSET: not allowed to be unset'],
  ['${EMPTY:?}', '!EMPTY: not allowed to be empty'],
  // front and end
  ['${PATHS#/}', 'usr/local/lib/python3/site'],
  ['${PATHS#*/}', 'usr/local/lib/python3/site'],
  ['${PATHS##*/}', 'site'],
  ['${PATHS%/*}', '/usr/local/lib/python3'],
  ['${PATHS%%/*}', ''],
  ['${PATHS#nothing}', '/usr/local/lib/python3/site'],
  ['${VERSION%%-*}', '3.11.4'],
  ['${VERSION%-*}', '3.11.4-slim'],
  ['${VERSION#?.}', '11.4-slim-bullseye'],
  ['${STARS#*\\*}', 'b*c'],
  ['${STARS##*\\*}', 'c'],
  ['${UNSET#x}', ''],
  ['${NAME%$NAME}', ''],
  // replacement
  ['${DOTS/./-}', 'a-b.c'],
  ['${DOTS//./-}', 'a-b-c'],
  ['${DOTS//./}', 'abc'],
  ['${STARS//\\*/+}', 'a+b+c'],
  ['${PATHS//\\//_}', '_usr_local_lib_python3_site'],
  ['${NAME/a*/x}', 'x'],
  ['${NAME/?/x}', 'xpi'],
  ['${NAME/z/x}', 'api'],
  ['${NAME/a/$DOTS}', 'a.b.cpi'],
  // quotes and escapes
  ["'$NAME'", '$NAME'],
  ['"$NAME"', 'api'],
  ['a"b c"d', 'ab cd'],
  ["a'b\\c'd", 'ab\\cd'],
  ['\\$NAME', '$NAME'],
  ['\\\\$NAME', '\\api'],
  ['"\\$NAME \\" \\n"', '$NAME " \\n'],
  ['two\\ words', 'two words'],
  ['end\\', 'end'],
  ['""', ''],
  // mistakes
  ['"open', '!unexpected end of statement while looking for matching double-quote'],
  ["'open", '!unexpected end of statement while looking for matching single-quote'],
  ['${', "!syntax error: missing '}'"],
  ['${NAME', "!syntax error: missing '}'"],
  ['${NAME:-x', "!syntax error: missing '}'"],
  ['${}', '!syntax error: bad substitution'],
  ['${:-x}', '!syntax error: bad substitution'],
  ['${NAME:=x}', '!unsupported modifier (:=) in substitution'],
  ['${NAME^^}', '!unsupported modifier (^) in substitution'],
  ['${NAME:#x}', '!unsupported modifier (:#) in substitution'],
  ['${NAME/x}', "!syntax error: missing '/'"],
  ['${NAME#\\x}', "!invalid escape '\\x' in the pattern"],
];

describe('expansion', () => {
  it.each(TABLE)('%s', (input, wanted) => {
    if (wanted.startsWith('!')) expect(() => expand(input, lookup)).toThrow(wanted.slice(1));
    else expect(expand(input, lookup).text).toBe(wanted);
  });

  it.each<[input: string, words: string[]]>([
    ['$LIST', ['one', 'two', 'three']],
    ['"$LIST"', ['one two  three']],
    ['a$LIST', ['aone', 'two', 'three']],
    ['${LIST}z', ['one', 'two', 'threez']],
    ['$LIST $LIST', ['one', 'two', 'three', 'one', 'two', 'three']],
    ['a\\ b c', ['a b', 'c']],
    ['$EMPTY', []],
  ])('splits %s', (input, words) => {
    expect(expand(input, lookup).words).toEqual(words);
  });

  it('takes another escape character', () => {
    expect(expand('C:\\dir`$NAME', lookup, { escape: '`' }).text).toBe('C:\\dir$NAME');
  });

  it('leaves quotes alone in here-documents', () => {
    expect(expand(`it's "$NAME" \\$NAME`, lookup, { quotes: false }).text).toBe(`it's "api" $NAME`);
  });

  it('tells which variables were used, where, and whether they are known', () => {
    expect(expand('a/$NAME/${UNSET:-x$GONE}', lookup).references).toEqual([
      { name: 'NAME', start: 2, end: 7, defined: true, guarded: false },
      { name: 'UNSET', start: 8, end: 24, defined: false, guarded: true },
      { name: 'GONE', start: 18, end: 23, defined: false, guarded: false },
    ]);
  });

  it('is not slowed down by a pattern full of stars', () => {
    const long = 'a'.repeat(5000);
    const started = performance.now();
    expect(expand('${LONG##*a*a*a*a*a*a*a*a*b}', () => long).text).toBe(long);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
