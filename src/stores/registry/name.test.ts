import { describe, expect, it } from 'vitest';
import { isOwnHost, localPath, ownName, parseRepositoryKey, repositoryKey } from './name.ts';

const names = { hosts: ['*-docker.pkg.dev', 'registry.lab:5000'], defaultLocation: 'europe-central2' };

describe('the names of our own registry', () => {
  it.each([
    ['us-west1-docker.pkg.dev', 'p/r/api', 'us-west1/p/r/api'],
    ['us-west1-docker.pkg.dev:443', 'p/r/team/api', 'us-west1/p/r/team/api'],
    ['127.0.0.1:7070', 'p/r/api', 'europe-central2/p/r/api'],
    ['127.0.0.1:7070', 'r/api', 'europe-central2/default/r/api'],
    ['127.0.0.1:7070', 'api', 'europe-central2/default/images/api'],
    ['evil-docker.pkg.dev.example.com', 'p/r/api', 'europe-central2/p/r/api'],
  ])('%s/%s is repository %s', (host, path, key) => {
    const name = ownName(host, path, names);
    expect(repositoryKey(name)).toBe(key);
    expect(parseRepositoryKey(key)).toEqual(name);
  });

  it.each(['', 'UPPER/case/x', 'a//b', '../../etc', 'a/b/', 'x'.repeat(256)])('refuses the path %j', (path) => {
    expect(() => ownName('127.0.0.1', path, names)).toThrow('invalid repository name');
  });

  it.each(['p/r/api', 'p/r/team/api', 'r/api', 'api', 'default/r/team/api'])(
    'shows %s at our own address as it was pushed',
    (path) => {
      expect(localPath(ownName('127.0.0.1:7070', path, names))).toBe(path);
    },
  );

  it('is ours by pattern, and only whole', () => {
    expect(isOwnHost('europe-central2-docker.pkg.dev', names)).toBe(true);
    expect(isOwnHost('Registry.lab:5000', names)).toBe(true);
    expect(isOwnHost('-docker.pkg.dev', names)).toBe(false);
    expect(isOwnHost('europe-central2-docker.pkg.dev.example.com', names)).toBe(false);
    expect(isOwnHost('docker.io', names)).toBe(false);
  });
});
