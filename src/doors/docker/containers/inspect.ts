import type { ContainerRecord, ContainerState } from '../../../containers/container-record.ts';
import { timestamp } from '../../../lib/clock.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import { booleanOf } from '../query.ts';
import { JsonObject } from '../read-json.ts';
import { endpointJson, mountsJson, networkMode, networksJson } from './container-json.ts';
import { HOST_CONFIG } from './host-config.ts';
import { nameOf } from './lifecycle.ts';
import { inspectedPorts } from './ports-json.ts';

const NEVER = '0001-01-01T00:00:00Z';

export async function inspectContainer(call: DockerCall): Promise<void> {
  const { house, query, response } = call;
  const record = house.containers.get(nameOf(call));
  const sizes = booleanOf(query, 'size') ? await sizesJson(record, call) : {};
  sendJson(response, 200, { ...containerJson(record, house), ...sizes });
}

async function sizesJson({ id, imageId }: ContainerRecord, { house, caller }: DockerCall): Promise<object> {
  const own = await house.containers.size(id);
  return { SizeRw: own, SizeRootFs: own + (await house.engine.shelf.find(imageId, caller)).size };
}

function containerJson(record: ContainerRecord, house: DockerHouse): object {
  const { id, name, imageId, process, createdAt, state, mounts } = record;
  const [Path = '', ...Args] = process.args;
  return {
    Id: id,
    Created: timestamp(createdAt),
    Path,
    Args,
    State: stateJson(state),
    Image: imageId,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: '',
    Name: `/${name}`,
    RestartCount: state.restarts,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfigJson(record),
    GraphDriver: { Name: 'overlay2', Data: null },
    Mounts: mountsJson(mounts),
    Config: configJson(record),
    NetworkSettings: settingsJson(record, house),
  };
}

function stateJson(state: ContainerState): object {
  const { status, pid, exitCode, error, outOfMemory, startedAt, finishedAt } = state;
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: outOfMemory,
    Dead: status === 'dead',
    Pid: pid,
    ExitCode: exitCode,
    Error: error,
    StartedAt: startedAt === 0 ? NEVER : timestamp(startedAt),
    FinishedAt: finishedAt === 0 ? NEVER : timestamp(finishedAt),
  };
}

/** What was asked for, over what docker has where nothing was; with what `update` has changed since. */
function hostConfigJson(record: ContainerRecord): object {
  const { limits, restart, shmBytes } = record.request;
  return {
    ...HOST_CONFIG,
    ...bodyOf(record).object('HostConfig')?.raw,
    NetworkMode: networkMode(record),
    RestartPolicy: { Name: restart.policy, MaximumRetryCount: restart.retries },
    Memory: limits.memoryBytes ?? 0,
    MemorySwap: limits.memorySwapBytes ?? 0,
    CpuShares: limits.cpuShares ?? 0,
    CpusetCpus: limits.cpuset ?? '',
    PidsLimit: limits.pids ?? null,
    ...(shmBytes === undefined ? {} : { ShmSize: shmBytes }),
  };
}

function bodyOf({ request }: ContainerRecord): JsonObject {
  const { shown } = request;
  return new JsonObject(typeof shown === 'object' && shown !== null ? (shown as Record<string, unknown>) : {});
}

function configJson(record: ContainerRecord): object {
  const { id, request, process } = record;
  const body = bodyOf(record);
  const cmd = request.command ?? null;
  return {
    Hostname: request.hostname ?? id.slice(0, 12),
    Domainname: request.domainname ?? '',
    User: process.user,
    AttachStdin: request.attach.stdin,
    AttachStdout: request.attach.stdout,
    AttachStderr: request.attach.stderr,
    ...(request.exposedPorts.length === 0
      ? {}
      : { ExposedPorts: Object.fromEntries(request.exposedPorts.map((port) => [port, {}])) }),
    Tty: request.terminal,
    OpenStdin: request.openStdin,
    StdinOnce: request.stdinOnce,
    Env: process.env,
    // without one of its own, the whole command line is the image's
    Cmd: cmd ?? (request.entrypoint === undefined ? process.args : null),
    Image: request.image,
    Volumes: body.object('Volumes')?.raw ?? null,
    WorkingDir: process.cwd === '/' ? (request.cwd ?? '') : process.cwd,
    Entrypoint: request.entrypoint ?? null,
    OnBuild: null,
    Labels: request.labels,
    ...(request.stopSignal === undefined ? {} : { StopSignal: request.stopSignal }),
    ...(request.stopSeconds === undefined ? {} : { StopTimeout: request.stopSeconds }),
  };
}

function settingsJson(record: ContainerRecord, house: DockerHouse): object {
  const { Gateway, IPAddress, IPPrefixLen, MacAddress } = endpointJson(record.network);
  const isDefault = record.network.name === 'bridge';
  return {
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: inspectedPorts(record),
    SandboxKey: '',
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: '',
    Gateway: isDefault ? Gateway : '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: isDefault ? IPAddress : '',
    IPPrefixLen: isDefault ? IPPrefixLen : 0,
    IPv6Gateway: '',
    MacAddress: isDefault ? MacAddress : '',
    Networks: networksJson(record, house),
  };
}
