import { describe, expect, it } from 'vitest';
import { parseSecret, parseSsh } from './secret.ts';

describe('--secret', () => {
  const env = { TOKEN: 'x' };
  it.each([
    ['id=a,src=f', { id: 'a', file: 'f' }],
    ['id=a,source=dir/f', { id: 'a', file: 'dir/f' }],
    ['src=dir/npmrc', { id: 'npmrc', file: 'dir/npmrc' }],
    ['id=a,env=TOKEN', { id: 'a', env: 'TOKEN' }],
    ['type=env,id=a,src=TOKEN', { id: 'a', env: 'TOKEN' }],
    ['type=env,id=TOKEN', { id: 'TOKEN', env: 'TOKEN' }],
    ['id=TOKEN', { id: 'TOKEN', env: 'TOKEN' }],
    ['id=other', { id: 'other', file: 'other' }],
    ['"id=a","src=with,comma"', { id: 'a', file: 'with,comma' }],
  ])('%s', (text, expected) => {
    expect(parseSecret(text, env)).toEqual(expected);
  });

  it.each([
    ['src=', 'id is missing'],
    ['type=vault,id=a', 'type=vault'],
    ['id=a,id=b', 'id is given twice'],
    ['id=a,path=b', 'unknown key "path"'],
    ['a', 'is no key=value'],
  ])('refuses %s', (text, words) => {
    expect(() => parseSecret(text, env)).toThrow(words);
  });
});

describe('--ssh', () => {
  it.each([
    ['default', { id: 'default', paths: [] }],
    ['deploy=/run/agent', { id: 'deploy', paths: ['/run/agent'] }],
    ['deploy=one,two', { id: 'deploy', paths: ['one', 'two'] }],
  ])('%s', (text, expected) => {
    expect(parseSsh(text)).toEqual(expected);
  });

  it('refuses one without an id', () => {
    expect(() => parseSsh('')).toThrow('an id is expected');
  });
});
