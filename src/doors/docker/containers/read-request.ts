import type { ContainerRequest, RequestedNetwork } from '../../../containers/container-request.ts';
import { sizeOf } from '../byte-size.ts';
import { DockerError } from '../errors.ts';
import type { JsonObject } from '../read-json.ts';
import { readLimits } from './read-limits.ts';
import { readMounts } from './read-mounts.ts';
import { readExposed, readPublished } from './read-ports.ts';
import { readSecurity } from './read-security.ts';

/** Rotation of logs where nobody asks for another: that of docker's own `local` driver. Bytes. */
const LOG_BYTES = 20 << 20;
const LOG_FILES = 5;

/**
 * The body of `POST /containers/create`: Config, and beside its fields HostConfig and NetworkingConfig. What docker has and
 * nothing here acts upon is passed over, as long as nobody is less protected by that; else it is refused.
 * @param name of the query
 * @throws DockerError 400
 */
export function readContainerRequest(name: string | undefined, body: JsonObject): ContainerRequest {
  const host = body.object('HostConfig') ?? body;
  const image = body.string('Image') ?? '';
  if (Object.keys(body.raw).length === 0)
    throw new DockerError(400, 'Config cannot be empty in order to create a container');
  if (image === '') throw new DockerError(400, 'Image: the image of the container is missing');
  const restart = readRestart(host);
  const autoRemove = host.boolean('AutoRemove') ?? false;
  if (autoRemove && restart.policy !== 'no')
    throw new DockerError(400, "can't create 'AutoRemove' container with restart policy");
  return {
    name,
    image,
    entrypoint: body.stringOrStrings('Entrypoint'),
    command: body.stringOrStrings('Cmd'),
    env: readEnv(body),
    cwd: given(body.string('WorkingDir')),
    user: given(body.string('User')),
    hostname: given(body.string('Hostname')),
    domainname: given(body.string('Domainname')),
    labels: body.stringMap('Labels') ?? {},
    terminal: body.boolean('Tty') ?? false,
    openStdin: body.boolean('OpenStdin') ?? false,
    stdinOnce: body.boolean('StdinOnce') ?? false,
    attach: {
      stdin: body.boolean('AttachStdin') ?? false,
      stdout: body.boolean('AttachStdout') ?? false,
      stderr: body.boolean('AttachStderr') ?? false,
    },
    exposedPorts: readExposed(body),
    stopSignal: given(body.string('StopSignal')),
    stopSeconds: body.integer('StopTimeout'),
    autoRemove,
    restart,
    mounts: readMounts(body, host),
    network: readNetwork(body, host),
    ports: readPublished(host),
    log: readLog(host),
    limits: readLimits(host),
    ulimits: (host.objects('Ulimits') ?? []).map((ulimit) => ({
      name: ulimit.string('Name') ?? '',
      soft: ulimit.integer('Soft') ?? 0,
      hard: ulimit.integer('Hard') ?? 0,
    })),
    sysctls: host.stringMap('Sysctls') ?? {},
    shmBytes: host.integer('ShmSize') || undefined,
    extraGroups: host.strings('GroupAdd') ?? [],
    extraHosts: host.strings('ExtraHosts') ?? [],
    dns: {
      servers: host.strings('Dns') ?? [],
      search: host.strings('DnsSearch') ?? [],
      options: host.strings('DnsOptions') ?? [],
    },
    init: host.boolean('Init') ?? false,
    readonlyRootfs: host.boolean('ReadonlyRootfs') ?? false,
    ...readSecurity(host),
    shown: body.raw,
  };
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function readEnv(body: JsonObject): string[] {
  const env = body.strings('Env') ?? [];
  for (const pair of env) {
    if (pair.startsWith('=') || pair === '') throw new DockerError(400, `invalid environment variable: ${pair}`);
    if (pair.includes('\0')) throw body.wrong('Env', 'a variable holds a zero byte');
  }
  return env;
}

const POLICIES = ['no', 'always', 'unless-stopped', 'on-failure'] as const;

function readRestart(host: JsonObject): ContainerRequest['restart'] {
  const asked = host.object('RestartPolicy');
  const name = asked?.string('Name') || 'no';
  const policy = POLICIES.find((known) => known === name);
  const retries = asked?.integer('MaximumRetryCount') ?? 0;
  if (policy === undefined) throw new DockerError(400, `invalid restart policy '${name.slice(0, 100)}'`);
  if (policy !== 'on-failure' && retries > 0)
    throw new DockerError(400, `maximum retry count cannot be used with restart policy '${policy}'`);
  if (retries < 0) throw new DockerError(400, 'maximum retry count cannot be negative');
  return { policy, retries };
}

function readNetwork(body: JsonObject, host: JsonObject): RequestedNetwork {
  const mode = host.string('NetworkMode') ?? '';
  if (mode === 'none' || mode === 'host') return { kind: mode };
  if (mode.startsWith('container:')) return { kind: 'container', name: mode.slice('container:'.length) };
  const endpoints = body.object('NetworkingConfig')?.object('EndpointsConfig');
  const asked = Object.keys(endpoints?.raw ?? {});
  if (asked.length > 1)
    throw new DockerError(400, `Container cannot be connected to network endpoints: ${asked.sort().join(', ')}`);
  const isDefault = ['', 'default', 'bridge'].includes(mode);
  const name = isDefault ? (asked[0] ?? 'bridge') : mode;
  const aliases = endpoints?.object(name)?.strings('Aliases') ?? [];
  return { kind: 'named', name: name === 'default' ? 'bridge' : name, aliases };
}

function readLog(host: JsonObject): ContainerRequest['log'] {
  const asked = host.object('LogConfig');
  const driver = asked?.string('Type') || 'json-file';
  if (driver === 'none') return { maxBytes: 0, files: 0 };
  if (driver !== 'json-file' && driver !== 'local')
    throw new DockerError(400, `logger: no log driver named '${driver.slice(0, 100)}' is registered`);
  const options = asked?.stringMap('Config') ?? {};
  const size = options['max-size'];
  const files = options['max-file'];
  const maxBytes = size === undefined ? LOG_BYTES : sizeOf(size);
  if (maxBytes === undefined) throw new DockerError(400, `invalid log option max-size: ${size}`);
  if (files !== undefined && !/^[1-9]\d{0,3}$/.test(files))
    throw new DockerError(400, `invalid log option max-file: ${files}`);
  return { maxBytes, files: files === undefined ? LOG_FILES : Number(files) };
}
