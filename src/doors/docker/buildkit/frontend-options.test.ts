import { expect, it } from 'vitest';
import { cacheExport, cacheImport, entitlement, frontendOptions } from './frontend-options.ts';

it('reads what buildx sends', () => {
  const options = frontendOptions({
    filename: 'sub/Dockerfile',
    target: 'two',
    platform: 'linux/arm64',
    'build-arg:A': 'b=c',
    'label:x': '',
    'context:foo': 'docker-image://bar',
    'local-sessionid:context': 'shared',
    'no-cache': 'one,two',
    'image-resolve-mode': 'pull',
    'force-network-mode': 'none',
    'add-hosts': 'a=1.2.3.4,b=::1',
    'shm-size': '1024',
    ulimit: 'nofile=10:20,core=5',
    'attest:provenance': 'mode=max',
    'cgroup-parent': 'nobody asks',
  });
  expect(options).toMatchObject({
    filename: 'sub/Dockerfile',
    target: 'two',
    platforms: [{ os: 'linux', architecture: 'arm64' }],
    buildArgs: { A: 'b=c' },
    labels: { x: '' },
    contexts: { foo: 'docker-image://bar' },
    sessions: { context: 'shared' },
    noCache: false,
    noCacheFilter: ['one', 'two'],
    pull: true,
    network: 'none',
    run: {
      extraHosts: ['a:1.2.3.4', 'b:::1'],
      shmBytes: 1024,
      ulimits: [
        { name: 'nofile', soft: 10, hard: 20 },
        { name: 'core', soft: 5, hard: 5 },
      ],
    },
    provenance: 'max',
  });
});

it('has the defaults of docker', () => {
  expect(frontendOptions({ 'no-cache': '', 'attest:provenance': 'mode=min,inline-only=true' })).toMatchObject({
    filename: 'Dockerfile',
    target: undefined,
    platforms: [],
    noCache: true,
    noCacheFilter: [],
    pull: false,
    network: 'default',
    run: {},
    remote: undefined,
    folders: { context: 'context', dockerfile: 'dockerfile' },
    provenance: undefined,
  });
  expect(frontendOptions({})).toMatchObject({ noCache: false });
});

it('refuses in words what is not there', () => {
  expect(() => frontendOptions({ 'attest:sbom': 'generator=x' })).toThrow('--sbom');
  expect(() => frontendOptions({ ulimit: 'nofile' })).toThrow('--ulimit nofile: name=soft:hard is expected');
  expect(() => cacheImport({ type: 'gha', attrs: {} })).toThrow('--cache-from type=gha is not served');
  expect(() => cacheExport({ type: 'local', attrs: { dest: 'x' } })).toThrow('--cache-to type=local is not served');
  expect(() => entitlement('device')).toThrow('--allow device');
  expect(cacheExport({ type: 'registry', attrs: { ref: 'a/b', mode: 'max' } })).toEqual({
    kind: 'registry',
    reference: 'a/b',
    mode: 'max',
  });
});
