import { describe, expect, it } from 'vitest';
import { formatGrantScope, parseGrantScope } from './grant-scope.ts';
import { type Identity, may } from './identity.ts';

const reader = (scope: string): Identity => ({
  kind: 'token',
  name: 't',
  grants: [{ role: 'reader', ...parseGrantScope(scope) }],
});

const IMAGES = [
  'p/r/api',
  'p/r/api-2',
  'p/r/team/web',
  'p/r/team/deep/x',
  'p/r/teams',
  'p/s/web',
  'pp/r/api',
  'q/s/web',
];

describe('what a token is for', () => {
  it.each([
    ['*', IMAGES],
    ['p', IMAGES.slice(0, 6)],
    ['p/*', IMAGES.slice(0, 6)],
    ['p/r', IMAGES.slice(0, 5)],
    ['p/r/*', IMAGES.slice(0, 5)],
    ['p/r/team/*', ['p/r/team/web', 'p/r/team/deep/x']],
    ['p/r/api', ['p/r/api']],
  ])('%s opens its own and nothing else', (scope, opened) => {
    const identity = reader(scope);
    const open = IMAGES.filter((name) => {
      const [project = '', repository = '', ...image] = name.split('/');
      return may(identity, 'reader', project, repository, image.join('/'));
    });
    expect(open).toEqual(opened);
  });

  it('never takes a part for the whole', () => {
    expect(may(reader('p/r'), 'reader', 'p')).toBe(false);
    expect(may(reader('p/r/team/*'), 'reader', 'p', 'r')).toBe(false);
    expect(may(reader('p/r/team/*'), 'reader', 'p', 'r', 'teams')).toBe(false);
    expect(may(reader('p/r/api'), 'reader', 'p', 'r', 'api-2')).toBe(false);
    expect(may(reader('p/r/api'), 'reader', 'p', 'r', 'api')).toBe(true);
    expect(may(reader('p/r/api'), 'writer', 'p', 'r', 'api')).toBe(false);
  });

  it.each(['p', 'p/r', 'p/r/team/*', 'p/r/team/api', '*'])('shows %s as it was written', (scope) => {
    expect(formatGrantScope(parseGrantScope(scope))).toBe(scope);
  });

  it.each(['', '/', 'p/', 'P/r', 'p/*/x', 'p/r/*/x', 'p//x', '../x', 'p/r/a*'])('refuses %j', (scope) => {
    expect(() => parseGrantScope(scope)).toThrow('names no repositories');
  });
});
