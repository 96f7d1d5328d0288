import { describe, expect, test } from 'vitest';
import { capabilitiesOf } from './capabilities.ts';
import { configText } from './process-config.ts';
import { rlimitsOf } from './rlimits.ts';
import { runtimeConfig, type SpecInput } from './spec.ts';

const input: SpecInput = {
  rootfs: '/data/run/x/rootfs',
  readonlyRootfs: false,
  process: {
    args: ['/bin/sh', '-c', 'true'],
    env: ['A=b'],
    cwd: '/app',
    user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    capabilities: capabilitiesOf(),
    noNewPrivileges: false,
    rlimits: [],
    terminal: undefined,
  },
  hostname: 'box',
  mounts: {
    mounts: [],
    nameFiles: { resolvConf: '/r', hosts: '/h', hostname: '/n' },
    shmBytes: undefined,
    sharedIpc: false,
    insecure: false,
  },
  network: { kind: 'own' },
  shared: [],
  cgroup: { path: '/slipway-x', unified: false },
  resources: {},
  devices: [],
  sysctls: {},
  arch: 'x64',
  unconfined: false,
  insecure: false,
};

test('root gets the default capabilities, anybody else only the bounding set', () => {
  const root = runtimeConfig(input).process.capabilities;
  expect(root.effective).toHaveLength(14);
  const { process } = input;
  const config = runtimeConfig({ ...input, process: { ...process, user: { ...process.user, uid: 7 } } });
  const other = config.process.capabilities;
  expect([other.bounding.length, other.effective.length, other.permitted.length]).toEqual([14, 0, 0]);
});

test('an insecure one has no walls: every capability and device, no filter, nothing hidden or read-only', () => {
  const { process, linux, mounts } = runtimeConfig({
    ...input,
    process: { ...input.process, capabilities: ['CAP_SYS_ADMIN', 'CAP_BPF'] },
    mounts: { ...input.mounts, insecure: true },
    insecure: true,
  });
  expect(process.capabilities.effective).toEqual(['CAP_SYS_ADMIN', 'CAP_BPF']);
  expect(linux.seccomp).toBeUndefined();
  expect([linux.maskedPaths, linux.readonlyPaths]).toEqual([[], []]);
  expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }]);
  expect(mounts.filter(({ options }) => options.includes('ro'))).toEqual([]);
});

test('limits of a process without an end are a number that JavaScript does not have', () => {
  const rlimits = rlimitsOf([{ name: 'nofile', soft: 1024, hard: -1 }]);
  const text = configText(runtimeConfig({ ...input, process: { ...input.process, args: ['"soft":-1'], rlimits } }));
  expect(text).toContain('{"type":"RLIMIT_NOFILE","soft":1024,"hard":18446744073709551615}');
  expect(JSON.parse(text).process.args).toEqual(['"soft":-1']);
});

describe('namespaces', () => {
  const types = (changes: Partial<SpecInput>) => runtimeConfig({ ...input, ...changes }).linux.namespaces;

  test('the host network is the absence of one, and its settings are not touched', () => {
    expect(types({ network: { kind: 'host' } }).map(({ type }) => type)).toEqual(['mount', 'uts', 'pid', 'ipc']);
    expect(runtimeConfig({ ...input, network: { kind: 'host' } }).linux.sysctl).toEqual({});
  });

  test('a joined one is named by its path; cgroups get one on v2 only', () => {
    expect(types({ network: { kind: 'joined', path: '/ns' } }).at(-1)).toEqual({ type: 'network', path: '/ns' });
    expect(types({ cgroup: { path: '/x', unified: true } }).at(-1)).toEqual({ type: 'cgroup' });
  });
});

test('a mount of the caller replaces the default one, and parents come before children', () => {
  const { mounts } = runtimeConfig({
    ...input,
    mounts: {
      ...input.mounts,
      mounts: [
        { kind: 'bind', source: '/s/deep', target: '/w/a/b', readonly: true },
        { kind: 'bind', source: '/s', target: '/w//', readonly: false },
        { kind: 'tmpfs', target: '/dev/shm', sizeBytes: 4096 },
      ],
    },
  });
  expect(mounts.filter(({ destination }) => destination === '/dev/shm')).toHaveLength(1);
  expect(mounts.slice(-3).map(({ destination }) => destination)).toEqual(['/w', '/dev/shm', '/w/a/b']);
  expect(mounts.at(-1)?.options).toContain('ro');
});

describe('the seccomp filter', () => {
  const filter = runtimeConfig(input).linux.seccomp;
  const ruleOf = (name: string) => filter?.syscalls.filter(({ names }) => names.includes(name)) ?? [];

  test('refuses what is not named, and what only an administrator may do', () => {
    expect(filter).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 });
    for (const name of [
      'mount',
      'bpf',
      'kexec_load',
      'init_module',
      'setns',
      'unshare',
      'keyctl',
      'open_by_handle_at',
    ]) {
      expect(ruleOf(name), name).toEqual([]);
    }
  });

  test('makes clone3 look missing and clone unable to make namespaces', () => {
    expect(ruleOf('clone3')).toMatchObject([{ action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
    expect(ruleOf('clone')).toMatchObject([{ args: [{ op: 'SCMP_CMP_MASKED_EQ', value: 0x7e020000 }] }]);
  });

  test('knows both architectures that we run on, and leaves the filter to nobody else', () => {
    const arm = runtimeConfig({ ...input, arch: 'arm64' }).linux.seccomp;
    expect(arm?.architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
    expect(arm?.syscalls.flatMap(({ names }) => names)).not.toContain('arch_prctl');
    expect(filter?.syscalls.flatMap(({ names }) => names)).toContain('arch_prctl');
  });

  test('names no call twice', () => {
    const plain = filter?.syscalls.filter(({ args }) => args === undefined).flatMap(({ names }) => names) ?? [];
    expect(plain.filter((name, index) => plain.indexOf(name) !== index)).toEqual([]);
    expect(plain.length).toBeGreaterThan(350);
  });
});
