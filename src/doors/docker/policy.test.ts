import { describe, expect, it } from 'vitest';
import type { ContainerRequest } from '../../containers/container-request.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerClient } from './call.ts';
import { readContainerRequest } from './containers/read-request.ts';
import {
  checkBuildNetwork,
  checkContainer,
  checkEntitlements,
  checkExec,
  checkQuota,
  mostContainers,
} from './policy.ts';
import { JsonObject } from './read-json.ts';

const client = (kind: DockerClient['kind']): DockerClient => ({ kind, scope: 's', project: 'p', actor: 'a' });
const request = (config: object, host: object = {}): ContainerRequest =>
  readContainerRequest(undefined, new JsonObject({ Image: 'box', ...config, HostConfig: host }));

function answer(check: () => void): string {
  try {
    check();
    return 'allowed';
  } catch (error) {
    if (error instanceof Problem && error.code === 'denied') return error.message;
    throw error;
  }
}

/** What is asked for in docker's own words, and how the refusal begins where it is one. */
const ROWS: [what: string, host: object, refusal: string | undefined][] = [
  ['nothing', {}, undefined],
  ['a volume', { Binds: ['data:/data', 'more:/more:ro'] }, undefined],
  ['a volume without a name', { Mounts: [{ Type: 'volume', Target: '/v' }] }, undefined],
  ['a tmpfs', { Tmpfs: { '/t': 'size=1m' } }, undefined],
  ['no network', { NetworkMode: 'none' }, undefined],
  ['a network of the scope', { NetworkMode: 'mine' }, undefined],
  ['the network of another container of the scope', { NetworkMode: 'container:db' }, undefined],
  ['fewer capabilities', { CapDrop: ['ALL'], CapAdd: ['CHOWN', 'CAP_SETUID'] }, undefined],
  [
    'limits',
    { Memory: 64 << 20, PidsLimit: 50, ShmSize: 1 << 20, Ulimits: [{ Name: 'nofile', Soft: 9, Hard: 9 }] },
    undefined,
  ],
  ['no new privileges', { SecurityOpt: ['no-new-privileges'] }, undefined],
  ['--privileged', { Privileged: true }, '--privileged is not'],
  ['a host path by -v', { Binds: ['/etc:/x'] }, 'the host path /etc is not'],
  ['a host path, read-only', { Binds: ['/etc:/x:ro'] }, 'the host path /etc is not'],
  ['a host path by --mount', { Mounts: [{ Type: 'bind', Source: '/', Target: '/x' }] }, 'the host path / is not'],
  ['the host network', { NetworkMode: 'host' }, '--network host is not'],
  ['ports of the machine', { PortBindings: { '80/tcp': [{ HostPort: '80' }] } }, '--publish 80/tcp is not'],
  ['the host’s processes', { PidMode: 'host' }, '--pid host is not'],
  ['the host’s shared memory', { IpcMode: 'host' }, '--ipc host is not'],
  ['the host’s name', { UTSMode: 'host' }, '--uts host is not'],
  ['a device', { Devices: [{ PathOnHost: '/dev/sda' }] }, '--device /dev/sda is not'],
  ['no filter of system calls', { SecurityOpt: ['seccomp=unconfined'] }, '--security-opt seccomp=unconfined is not'],
  ['the same in the old notation', { SecurityOpt: ['seccomp:unconfined'] }, '--security-opt seccomp=unconfined is not'],
  ['a capability more', { CapAdd: ['SYS_ADMIN'] }, '--cap-add CAP_SYS_ADMIN is not'],
  ['all capabilities', { CapAdd: ['all'] }, '--cap-add CAP_'],
  ['all but one', { CapAdd: ['ALL'], CapDrop: ['NET_RAW'] }, '--cap-add CAP_'],
  ['a kernel setting', { Sysctls: { 'net.ipv4.ip_forward': '1' } }, '--sysctl net.ipv4.ip_forward is not'],
];

describe.each(['client', 'build'] as const)('a %s that asks for a container with', (kind) => {
  it.each(ROWS)('%s', (_what, host, refusal) => {
    const said = answer(() => checkContainer(client(kind), request({}, host)));
    if (refusal === undefined) expect(said).toBe('allowed');
    else expect(said.startsWith(refusal), said).toBe(true);
  });

  it('more of everything than one scope may have', () => {
    expect(mostContainers(client(kind))).toBe(64);
    expect(answer(() => checkQuota(client(kind), 'volumes', 63))).toBe('allowed');
    expect(answer(() => checkQuota(client(kind), 'volumes', 64))).toContain('more than 64 volumes');
    expect(answer(() => checkQuota(client(kind), 'networks', 64))).toContain('more than 64 networks');
  });

  it('rights over the machine for a command or a build', () => {
    expect(answer(() => checkExec(client(kind), { privileged: false }))).toBe('allowed');
    expect(answer(() => checkExec(client(kind), { privileged: true }))).toContain('the whole machine');
    expect(answer(() => checkBuildNetwork(client(kind), 'default'))).toBe('allowed');
    expect(answer(() => checkBuildNetwork(client(kind), 'none'))).toBe('allowed');
    expect(answer(() => checkBuildNetwork(client(kind), 'host'))).toContain('every service of the machine');
    expect(answer(() => checkEntitlements(client(kind), []))).toBe('allowed');
    expect(answer(() => checkEntitlements(client(kind), ['security.insecure']))).toContain('--allow security.insecure');
  });
});

it('says to whom it says no, and why', () => {
  const said = (kind: DockerClient['kind']) =>
    answer(() => checkContainer(client(kind), request({}, { Privileged: true })));
  expect(said('build')).toBe(
    '--privileged is not for the docker socket of a build: it would give the container the whole machine',
  );
  expect(said('client')).toContain('is not for a docker client from the network');
});

it('the owner has this machine anyway', () => {
  const owner = client('owner');
  for (const [, host] of ROWS) expect(answer(() => checkContainer(owner, request({}, host)))).toBe('allowed');
  expect(answer(() => checkExec(owner, { privileged: true }))).toBe('allowed');
  expect(answer(() => checkBuildNetwork(owner, 'host'))).toBe('allowed');
  expect(answer(() => checkEntitlements(owner, ['network.host', 'security.insecure']))).toBe('allowed');
  expect(answer(() => checkQuota(owner, 'volumes', 100_000))).toBe('allowed');
  expect(mostContainers(owner)).toBeUndefined();
});
