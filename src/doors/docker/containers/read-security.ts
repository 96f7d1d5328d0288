import type { ContainerRequest } from '../../../containers/container-request.ts';
import { DockerError } from '../errors.ts';
import type { JsonObject } from '../read-json.ts';

type Security = Pick<
  ContainerRequest,
  'privileged' | 'capabilities' | 'devices' | 'shared' | 'noNewPrivileges' | 'unconfined'
>;

/** What a container may do to the machine. Whether its client may ask for it says policy.ts. @throws DockerError 400 */
export function readSecurity(host: JsonObject): Security {
  refuseForeign(host);
  return {
    privileged: host.boolean('Privileged') ?? false,
    capabilities: {
      add: host.stringOrStrings('CapAdd') ?? [],
      drop: host.stringOrStrings('CapDrop') ?? [],
    },
    devices: (host.objects('Devices') ?? []).map((device) => {
      const source = device.string('PathOnHost') ?? '';
      const target = device.string('PathInContainer') || source;
      if (!source.startsWith('/') || !target.startsWith('/'))
        throw new DockerError(400, `error gathering device information while adding custom device "${source}"`);
      return { source, target, access: device.string('CgroupPermissions') || 'rwm' };
    }),
    shared: (['pid', 'ipc', 'uts'] as const).filter((namespace) => isHosts(host, namespace)),
    ...readOptions(host.strings('SecurityOpt') ?? []),
  };
}

const MODES = { pid: 'PidMode', ipc: 'IpcMode', uts: 'UTSMode' } as const;

function isHosts(host: JsonObject, namespace: keyof typeof MODES): boolean {
  const mode = host.string(MODES[namespace]) ?? '';
  if (mode.startsWith('container:'))
    throw new DockerError(
      400,
      `${MODES[namespace]} ${mode}: namespaces of another container can't be joined here, but its network can`,
    );
  if (!['', 'host', 'private', 'shareable', 'none'].includes(mode))
    throw new DockerError(400, `invalid ${namespace.toUpperCase()} mode: ${mode.slice(0, 100)}`);
  return mode === 'host';
}

/** Options as docker's clients write them, with `=` or, of old, with `:`. */
function readOptions(options: readonly string[]): Pick<Security, 'noNewPrivileges' | 'unconfined'> {
  let noNewPrivileges = false;
  let unconfined = false;
  for (const option of options) {
    const [, name = '', value = ''] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(option) ?? [];
    if (name === 'no-new-privileges') noNewPrivileges = value === '' || value === 'true';
    else if (name === 'seccomp' && value === 'unconfined') unconfined = true;
    else if (name === 'seccomp' && value !== 'builtin' && value !== 'default')
      throw new DockerError(
        400,
        "invalid --security-opt seccomp: there are docker's default profile and unconfined here",
      );
    else if (!['seccomp', 'apparmor', 'label', 'systempaths'].includes(name))
      throw new DockerError(400, `invalid --security-opt 2: ${JSON.stringify(option.slice(0, 100))}`);
  }
  return { noNewPrivileges, unconfined };
}

/** What would change what a container is, and isn't here: to leave it out without a word would be worse than to refuse. */
function refuseForeign(host: JsonObject): void {
  const [request] = host.objects('DeviceRequests') ?? [];
  if (request !== undefined)
    throw new DockerError(
      500,
      `could not select device driver "${request.string('Driver') ?? ''}" with capabilities: ${asGo(request.raw['Capabilities'])}`,
    );
  if ((host.strings('DeviceCgroupRules') ?? []).length > 0)
    throw new DockerError(400, 'DeviceCgroupRules: devices are given by path here (--device)');
  if ((host.strings('Links') ?? []).length > 0)
    throw new DockerError(
      400,
      'Links: containers find each other by name on a network of their own (docker network create)',
    );
  const runtime = host.string('Runtime') ?? '';
  if (runtime !== '' && runtime !== 'runc')
    throw new DockerError(400, `unknown or invalid runtime name: ${runtime.slice(0, 100)}`);
  const isolation = host.string('Isolation') ?? '';
  if (isolation !== '' && isolation !== 'default')
    throw new DockerError(400, `invalid isolation '${isolation.slice(0, 100)}' on linux`);
}

/** A list as Go's %v writes it: `[[gpu]]`. */
function asGo(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(asGo).join(' ')}]` : String(value ?? '[]').slice(0, 100);
}
