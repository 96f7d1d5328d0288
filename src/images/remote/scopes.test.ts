import { expect, it } from 'vitest';
import { coversScopes, formatScopes, joinScopes, parseScopes, repositoryScope } from './scopes.ts';

it('treats actions as a set, in any order and any number of words', () => {
  const scopes = parseScopes('repository:a/b:push,pull repository:lab:5000/c:pull  repository:a/b:pull');
  expect(formatScopes(scopes)).toEqual(['repository:a/b:pull,push', 'repository:lab:5000/c:pull']);
  expect(formatScopes(joinScopes(scopes, repositoryScope('a/b', 'delete')))[0]).toBe('repository:a/b:delete,pull,push');
});

it('knows when a token will do', () => {
  const have = parseScopes('repository:a:pull,push repository:b:*');
  expect(coversScopes(have, parseScopes('repository:a:pull'))).toBe(true);
  expect(coversScopes(have, parseScopes('repository:b:delete'))).toBe(true);
  expect(coversScopes(have, parseScopes('repository:a:delete'))).toBe(false);
  expect(coversScopes(have, parseScopes('repository:c:pull'))).toBe(false);
});
