import { createHash } from 'node:crypto';
import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { timestamp } from '../../../lib/clock.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { architecture, cgroupVersion, operatingSystem } from './machine.ts';

/** `docker info`. What docker has and we have not is said to be off, never left out: clients read it without a question. */
export async function info({ response, house, caller }: DockerCall): Promise<void> {
  const states = house.containers.list().map(({ state }) => state.status);
  const count = (...statuses: string[]) => states.filter((status) => statuses.includes(status)).length;
  const images = new Set((await house.engine.images(caller)).map(({ id }) => id));
  const system = await operatingSystem();
  sendJson(response, 200, {
    ID: idOf(house.folder),
    Containers: states.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: images.size,
    Driver: 'overlay2',
    DriverStatus: [
      ['Supports d_type', 'true'],
      ['Native Overlay Diff', 'true'],
    ],
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file'] },
    MemoryLimit: true,
    SwapLimit: true,
    KernelMemory: false,
    KernelMemoryTCP: false,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: false,
    IPv4Forwarding: true,
    BridgeNfIptables: true,
    BridgeNfIp6tables: true,
    Debug: false,
    NFd: -1,
    NGoroutines: -1,
    NEventsListener: 0,
    SystemTime: timestamp(house.clock.now()),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: await cgroupVersion(),
    KernelVersion: release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: 'linux',
    Architecture: architecture().uname,
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      AllowNondistributableArtifactsCIDRs: [],
      AllowNondistributableArtifactsHostnames: [],
      InsecureRegistryCIDRs: ['127.0.0.0/8'],
      IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } },
      Mirrors: [],
    },
    GenericResources: null,
    DockerRootDir: house.client.kind === 'owner' ? house.folder : '/',
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: house.version,
    Runtimes: { runc: { path: 'runc' } },
    DefaultRuntime: 'runc',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: false,
    Isolation: '',
    InitBinary: '',
    ContainerdCommit: { ID: '', Expected: '' },
    RuncCommit: { ID: '', Expected: '' },
    InitCommit: { ID: '', Expected: '' },
    SecurityOptions: ['name=seccomp,profile=default'],
    ProductLicense: '',
    Warnings: [],
  });
}

/** The same as long as the data folder is the same, and nothing that it could be read from. */
function idOf(folder: string): string {
  return createHash('sha256').update(`docker ${folder}`).digest('hex').slice(0, 32);
}
