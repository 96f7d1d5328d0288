import { describe, expect, it } from 'vitest';
import type { CopyOperation, RunOperation } from '../../dockerfile/program.ts';
import { baseChain, chainOf, copyKey, runKey } from './key.ts';

const place = { file: 'Dockerfile', ranges: [] };
const run: RunOperation = {
  kind: 'run',
  text: 'RUN make',
  place,
  args: ['/bin/sh', '-c', 'make'],
  env: ['PATH=/bin', 'TOKEN=hush'],
  proxyEnv: ['http_proxy=http://a'],
  cwd: '/',
  user: '',
  network: 'default',
  mounts: [],
  security: 'sandbox',
  argsUsed: { TOKEN: 'hush' },
};
const copy: CopyOperation = {
  kind: 'copy',
  text: 'COPY a /a',
  place,
  from: { kind: 'context' },
  sources: ['a'],
  inline: [],
  destination: '/a',
  intoFolder: false,
  link: false,
  parents: false,
  exclude: [],
  keepGitDir: false,
};
const files = [{ path: 'a', name: 'a', facts: [0, 'file', 0o644] }];

describe('runKey', () => {
  it.each<[change: string, other: Partial<RunOperation>]>([
    ['command', { args: ['/bin/sh', '-c', 'make  '] }],
    ['environment', { env: ['PATH=/bin', 'TOKEN=other'] }],
    ['folder', { cwd: '/app' }],
    ['user', { user: 'app' }],
    ['network', { network: 'none' }],
  ])('depends on the %s', (_, other) => {
    expect(runKey('c', { ...run, ...other }, [])).not.toBe(runKey('c', run, []));
  });

  it.each<[change: string, other: Partial<RunOperation>]>([
    ['a proxy that no ARG declares', { proxyEnv: ['http_proxy=http://b'] }],
    ['how the line is written', { text: 'run make' }],
    ['where it stands', { place: { file: 'Other', ranges: [] } }],
  ])('does not depend on %s', (_, other) => {
    expect(runKey('c', { ...run, ...other }, [])).toBe(runKey('c', run, []));
  });

  it('depends on what is below', () => {
    expect(runKey('c', run, [])).not.toBe(runKey('d', run, []));
  });
});

describe('copyKey', () => {
  it('is the same for sources that were written another way', () => {
    expect(copyKey('c', { ...copy, text: 'COPY ./a /a', sources: ['./a'] }, files)).toBe(copyKey('c', copy, files));
  });

  it('depends on destination, owner and content', () => {
    const keys = [
      copyKey('c', copy, files),
      copyKey('c', { ...copy, destination: '/b' }, files),
      copyKey('c', { ...copy, chown: '1' }, files),
      copyKey('c', { ...copy, kind: 'add' }, files),
      copyKey('c', copy, [{ path: 'a', name: 'a', facts: [0, 'file', 0o600] }]),
      copyKey('c', copy, [{ path: 'b', name: 'a', facts: [0, 'file', 0o644] }]),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('tells platforms and orders of layers apart', () => {
  const [a, b] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`] as const;
  const amd64 = { os: 'linux', architecture: 'amd64' };
  const chains = [
    baseChain([a, b], amd64),
    baseChain([b, a], amd64),
    baseChain([a, b], { os: 'linux', architecture: 'arm64' }),
    chainOf(baseChain([a], amd64), b),
  ];
  expect(new Set(chains).size).toBe(4);
});
