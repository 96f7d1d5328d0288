import { describe, expect, it } from 'vitest';
import { FlagError, type FlagSpec, parseFlags } from './flags.ts';

const SPECS: FlagSpec[] = [
  { name: 'tag', short: 't', takes: 'list' },
  { name: 'file', short: 'f', takes: 'value' },
  { name: 'quiet', short: 'q', takes: 'switch' },
  { name: 'all', short: 'a', takes: 'switch' },
];

describe('parseFlags', () => {
  it.each([
    ['--tag=a', '--tag', 'b', '-t', 'c', '-td', '-t=e', '.'],
    ['.', '--tag=a', '--tag', 'b', '-t', 'c', '-td', '-t=e'],
  ])('takes every spelling, before and behind the argument', (...line) => {
    const flags = parseFlags(SPECS, line);
    expect(flags.all('tag')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(flags.args).toEqual(['.']);
  });

  it('joins short switches, the last of which may take a value', () => {
    const flags = parseFlags(SPECS, ['-qaf', 'x', '--all=false', '-', '--', '--tag']);
    expect([flags.on('quiet'), flags.on('all'), flags.one('file'), flags.args]).toEqual([
      true,
      false,
      'x',
      ['-', '--tag'],
    ]);
  });

  it.each([
    [['--foo'], 'unknown flag: --foo'],
    [['--foo=1'], 'unknown flag: --foo'],
    [['-qz'], "unknown shorthand flag: 'z' in -qz"],
    [['--tag'], 'flag needs an argument: --tag'],
    [['-t'], "flag needs an argument: 't' in -t"],
    [
      ['--quiet=perhaps'],
      'invalid argument "perhaps" for "--quiet" flag: strconv.ParseBool: parsing "perhaps": invalid syntax',
    ],
  ])('%s: %s', (line, message) => {
    expect(() => parseFlags(SPECS, line)).toThrow(new FlagError(message));
  });
});
