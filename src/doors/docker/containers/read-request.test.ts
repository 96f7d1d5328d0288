import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { DockerError } from '../errors.ts';
import { JsonObject } from '../read-json.ts';
import { readContainerRequest } from './read-request.ts';

const read = (config: object, host: object = {}) =>
  readContainerRequest('box', new JsonObject({ Image: 'image', ...config, HostConfig: host }));

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof DockerError) return `${error.status} ${error.message}`;
    throw error;
  }
  return 'taken';
}

describe('a request for a container', () => {
  it('of docker run without an option has every field, null and empty', () => {
    const nothing = read(
      {
        Hostname: '',
        User: '',
        Env: null,
        Cmd: ['true'],
        Volumes: {},
        WorkingDir: '',
        Entrypoint: null,
        Labels: {},
        OnBuild: null,
      },
      {
        Binds: null,
        LogConfig: { Type: '', Config: {} },
        NetworkMode: 'default',
        PortBindings: {},
        CapAdd: null,
        Memory: 0,
        PidsLimit: 0,
        Ulimits: null,
        Init: null,
      },
    );
    expect(nothing).toMatchObject({
      name: 'box',
      image: 'image',
      command: ['true'],
      entrypoint: undefined,
      env: [],
      cwd: undefined,
      user: undefined,
      hostname: undefined,
      network: { kind: 'named', name: 'bridge', aliases: [] },
      restart: { policy: 'no', retries: 0 },
      mounts: [],
      limits: {},
      log: { maxBytes: 20 << 20, files: 5 },
    });
  });

  it('may write a command as one string, and names in any case', () => {
    const body = { image: 'image', cmd: 'ls', entrypoint: ['/bin/sh', '-c'], hostconfig: { autoremove: true } };
    expect(readContainerRequest(undefined, new JsonObject(body))).toMatchObject({
      command: ['ls'],
      entrypoint: ['/bin/sh', '-c'],
      autoRemove: true,
    });
  });

  it.each([
    ['/src:/dst', { kind: 'bind', source: '/src', target: '/dst', readonly: false, create: true }],
    ['/src:/dst:ro,Z', { kind: 'bind', source: '/src', target: '/dst', readonly: true, create: true }],
    ['name:/dst:nocopy', { kind: 'volume', name: 'name', target: '/dst', readonly: false, noCopy: true }],
    ['/dst', { kind: 'volume', target: '/dst', readonly: false, noCopy: false }],
  ])('-v %s', (bind, mount) => {
    expect(read({}, { Binds: [bind] }).mounts).toEqual([mount]);
  });

  it('takes mounts in all four notations, and a target that was given once', () => {
    const { mounts } = read(
      { Volumes: { '/a': {}, '/image': {} } },
      {
        Binds: ['vol:/a'],
        Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096 } }],
        Tmpfs: { '/s': 'rw,size=64k,mode=1777' },
      },
    );
    expect(mounts.map(({ target, kind }) => `${kind} ${target}`)).toEqual([
      'volume /a',
      'tmpfs /t',
      'tmpfs /s',
      'volume /image',
    ]);
    expect(mounts.map((mount) => (mount.kind === 'tmpfs' ? mount.sizeBytes : 0))).toEqual([0, 4096, 65_536, 0]);
  });

  it.each([
    [{ NetworkMode: 'none' }, { kind: 'none' }],
    [{ NetworkMode: 'host' }, { kind: 'host' }],
    [{ NetworkMode: 'container:db' }, { kind: 'container', name: 'db' }],
    [{ NetworkMode: 'net' }, { kind: 'named', name: 'net', aliases: ['x', 'y'] }],
    [{}, { kind: 'named', name: 'net', aliases: ['x', 'y'] }],
  ])('network %j', (host, network) => {
    const NetworkingConfig = { EndpointsConfig: { net: { Aliases: ['x', 'y'] } } };
    expect(read({ NetworkingConfig }, host).network).toEqual(network);
  });

  it('limits by docker’s rules', () => {
    const host = { Memory: 64 << 20, MemorySwap: -1, NanoCpus: 5e8, CpuShares: 512, CpusetCpus: '0', PidsLimit: 9 };
    expect(read({}, host).limits).toEqual({
      memoryBytes: 64 << 20,
      memorySwapBytes: -1,
      cpus: 0.5,
      cpuShares: 512,
      cpuset: '0',
      pids: 9,
    });
    expect(read({}, { CpuQuota: 25_000, CpuPeriod: 50_000, PidsLimit: -1 }).limits).toEqual({ cpus: 0.5 });
  });

  it('ports, log, restart policy', () => {
    const { ports, log, restart, exposedPorts } = read(
      { ExposedPorts: { '80': {}, '53/udp': {} } },
      {
        PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }, { HostPort: '' }] },
        LogConfig: { Type: 'local', Config: { 'max-size': '2m', 'max-file': '3' } },
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
      },
    );
    expect(ports).toEqual([
      { containerPort: '80/tcp', hostAddress: '127.0.0.1', hostPort: 8080 },
      { containerPort: '80/tcp', hostAddress: '', hostPort: 0 },
    ]);
    expect(log).toEqual({ maxBytes: 2 << 20, files: 3 });
    expect(restart).toEqual({ policy: 'on-failure', retries: 4 });
    expect(exposedPorts).toEqual(['80/tcp', '53/udp']);
  });
});

/** dockerd 20.10's own answers, but for those that name a field. */
const REFUSED: [config: object, host: object, answer: string][] = [
  [{ Env: 'x' }, {}, '400 Env: a list of strings is expected here, not "x"'],
  [{ Env: [1] }, {}, '400 Env: a list of strings is expected here, not a list'],
  [{ Tty: 'yes' }, {}, '400 Tty: true or false is expected here, not "yes"'],
  [{ Labels: { a: 1 } }, {}, '400 Labels: an object of strings is expected here, not an object'],
  [{}, { Memory: 'x' }, '400 HostConfig.Memory: a whole number is expected here, not "x"'],
  [{}, { Memory: 1.5 }, '400 HostConfig.Memory: a whole number is expected here, not 1.5'],
  [
    {},
    { Mounts: [{ Type: 'bind', Source: '/x', Target: 7 }] },
    '400 HostConfig.Mounts[0].Target: a string is expected here, not 7',
  ],
  [{ Image: '' }, {}, '400 Image: the image of the container is missing'],
  [{ Env: ['=x'] }, {}, '400 invalid environment variable: =x'],
  [{}, { Memory: 100 }, '400 Minimum memory limit allowed is 6MB'],
  [{}, { RestartPolicy: { Name: 'bad' } }, "400 invalid restart policy 'bad'"],
  [
    {},
    { AutoRemove: true, RestartPolicy: { Name: 'always' } },
    "400 can't create 'AutoRemove' container with restart policy",
  ],
  [
    {},
    { Binds: ['/nope:relative'] },
    `400 invalid volume specification: '/nope:relative': invalid mount config for type "bind": invalid mount path: 'relative' mount path must be absolute`,
  ],
  [
    {},
    { Binds: ['a/b:/x'] },
    '400 create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  ],
  [{}, { Binds: ['/a:/b:what'] }, '400 invalid mode: what'],
  [{}, { Mounts: [{ Type: 'npipe', Source: 'x', Target: '/x' }] }, '400 mount type unknown: "npipe"'],
  [
    {},
    {
      Mounts: [
        { Type: 'volume', Target: '/x', VolumeOptions: { DriverConfig: { Options: { device: '/', o: 'bind' } } } },
      ],
    },
    '400 volume option device: volumes of Slipway have no driver options; use a bind mount',
  ],
  [{}, { LogConfig: { Type: 'syslog' } }, "400 logger: no log driver named 'syslog' is registered"],
  [{}, { Runtime: 'kata' }, '400 unknown or invalid runtime name: kata'],
  [{}, { SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'] }, '400 invalid --security-opt seccomp'],
  [{}, { SecurityOpt: ['what=ever'] }, '400 invalid --security-opt'],
  [{}, { PidMode: 'container:x' }, '400 PidMode container:x: namespaces of another container'],
  [
    {},
    { DeviceRequests: [{ Driver: '', Count: -1, Capabilities: [['gpu']] }] },
    '500 could not select device driver "" with capabilities: [[gpu]]',
  ],
  [{}, { PortBindings: { 'x/tcp': [{}] } }, '400 HostConfig.PortBindings: invalid port "x/tcp"'],
  [
    {},
    { NanoCpus: 900e9 },
    `400 Range of CPUs is from 0.01 to ${availableParallelism().toFixed(2)}, as there are only ${availableParallelism()} CPUs available`,
  ],
];

it.each(REFUSED)('%j with %j is refused in words', (config, host, answer) => {
  const said = refusal(() => read(config, host));
  expect(said.startsWith(answer), said).toBe(true);
});

it('a request of nothing is no request', () => {
  expect(refusal(() => readContainerRequest(undefined, new JsonObject({})))).toBe(
    '400 Config cannot be empty in order to create a container',
  );
});
