import { describe, expect, it } from 'vitest';
import { splitVersion } from './api-version.ts';

describe('the version in front of a path', () => {
  it.each([
    ['/v1.41/containers/json', 41, '/containers/json'],
    ['/v1.24/info', 24, '/info'],
    ['/info', 43, '/info'],
    ['/v1.x/info', 43, '/v1.x/info'],
  ])('%s', (path, version, rest) => {
    expect(splitVersion(path)).toEqual({ version, rest });
  });

  it('is refused in dockerd’s words', () => {
    expect(() => splitVersion('/v1.44/info')).toThrow(
      'client version 1.44 is too new. Maximum supported API version is 1.43',
    );
    expect(() => splitVersion('/v1.12/info')).toThrow(
      'client version 1.12 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    );
  });
});
