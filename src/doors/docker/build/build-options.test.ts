import { expect, it } from 'vitest';
import { buildOptions } from './build-options.ts';

const read = (query: string) => buildOptions(new URLSearchParams(query));

it('takes what a client of old sends for nothing as nothing', () => {
  const old =
    'buildargs=%7B%7D&cachefrom=%5B%5D&cgroupparent=&cpuperiod=0&cpuquota=0&cpusetcpus=&cpusetmems=&cpushares=0' +
    '&dockerfile=Dockerfile&labels=null&memory=0&memswap=0&networkmode=default&rm=1&shmsize=0&target=&ulimits=null&version=1';
  expect(read(old)).toEqual(read(''));
  expect(read('').run).toEqual({});
});

it('reads what is asked for', () => {
  const query = new URLSearchParams([
    ['t', 'a:1'],
    ['t', 'b'],
    ['buildargs', '{"A":"1","UNSET":null}'],
    ['labels', '{"l":"m"}'],
    ['cachefrom', '["x:1"]'],
    ['extrahosts', 'db:10.0.0.1'],
    ['ulimits', '[{"Name":"nofile","Soft":1,"Hard":2}]'],
    ['memory', '1000000'],
    ['memswap', '-1'],
    ['cpuquota', '50000'],
    ['cpuperiod', '100000'],
    ['shmsize', '4096'],
    ['platform', 'Linux/ARM64'],
    ['nocache', '1'],
    ['q', '1'],
    ['outputs', '[{"Type":"local","Attrs":null}]'],
  ]);
  expect(buildOptions(query)).toMatchObject({
    tags: ['a:1', 'b'],
    buildArgs: { A: '1' },
    labels: { l: 'm' },
    cacheFrom: ['x:1'],
    platform: { os: 'linux', architecture: 'arm64' },
    noCache: true,
    quiet: true,
    outputs: [{ type: 'local', attributes: {} }],
    run: {
      extraHosts: ['db:10.0.0.1'],
      ulimits: [{ name: 'nofile', soft: 1, hard: 2 }],
      limits: { memoryBytes: 1_000_000, memorySwapBytes: -1, cpus: 0.5 },
      shmBytes: 4096,
    },
  });
});

it.each([
  ['squash=1', 'squash is only supported with experimental mode'],
  ['securityopt=x', 'does not support setting security options on build'],
  ['isolation=hyperv', 'Unsupported isolation'],
  ['buildargs=%7B', 'error reading build args'],
  ['buildargs=%7B%22A%22%3A%7B%22toString%22%3A1%7D%7D', 'the value of A is no text'],
  ['ulimits=%5B1%5D', 'error reading ulimit settings'],
  ['memory=much', 'is not a number'],
])('refuses %s', (query, message) => {
  expect(() => read(query)).toThrow(message);
});
