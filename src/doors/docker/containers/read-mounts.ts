import type { RequestedMount } from '../../../containers/container-request.ts';
import { sizeOf } from '../byte-size.ts';
import { DockerError } from '../errors.ts';
import type { JsonObject } from '../read-json.ts';

/** All four ways to ask for a mount: `Binds` (-v), `Mounts` (--mount), `Tmpfs` (--tmpfs) and `Volumes` (-v TARGET). */
export function readMounts(body: JsonObject, host: JsonObject): RequestedMount[] {
  const mounts = [
    ...(host.strings('Binds') ?? []).map(ofBind),
    ...(host.objects('Mounts') ?? []).map(ofMount),
    ...Object.entries(host.stringMap('Tmpfs') ?? {}).map(ofTmpfs),
  ];
  const targets = new Set(mounts.map(({ target }) => target));
  for (const [target] of body.entries('Volumes'))
    if (!targets.has(target)) mounts.push({ kind: 'volume', target, readonly: false, noCopy: false });
  return mounts;
}

/** `SOURCE:TARGET[:OPTIONS]`; a source that is no path names a volume. */
function ofBind(text: string): RequestedMount {
  const wrong = (why: string) => new DockerError(400, `invalid volume specification: '${text}'${why}`);
  const parts = text.split(':');
  if (parts.length > 3) throw wrong('');
  if (parts.length === 1)
    return { kind: 'volume', target: absolute(text, 'volume', text), readonly: false, noCopy: false };
  const [source = '', target = '', options = ''] = parts;
  if (source === '') throw wrong('');
  const flags = options.split(',').filter((flag) => flag !== '');
  const unknown = flags.find((flag) => !FLAGS.has(flag));
  if (unknown !== undefined) throw new DockerError(400, `invalid mode: ${options}`);
  const readonly = flags.includes('ro');
  if (source.startsWith('/'))
    return { kind: 'bind', source, target: absolute(target, 'bind', text), readonly, create: true };
  const name = volumeName(source);
  return { kind: 'volume', name, target: absolute(target, 'volume', text), readonly, noCopy: flags.includes('nocopy') };
}

/** Those of SELinux and of propagation are taken and mean nothing here. */
const FLAGS = new Set([
  'ro',
  'rw',
  'z',
  'Z',
  'nocopy',
  'copy',
  'cached',
  'delegated',
  'consistent',
  'default',
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
]);

function absolute(target: string, kind: string, specification: string): string {
  if (target.startsWith('/')) return target;
  throw new DockerError(
    400,
    `invalid volume specification: '${specification}': invalid mount config for type "${kind}": invalid mount path: '${target}' mount path must be absolute`,
  );
}

/** @throws DockerError 400 in dockerd's words */
export function volumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return name;
  throw new DockerError(
    400,
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

function ofMount(mount: JsonObject): RequestedMount {
  const kind = mount.string('Type') ?? '';
  const source = mount.string('Source') ?? '';
  const target = mount.string('Target') ?? '';
  const readonly = mount.boolean('ReadOnly') ?? false;
  const wrong = (why: string) => new DockerError(400, `invalid mount config for type "${kind.slice(0, 40)}": ${why}`);
  if (target === '') throw wrong('field Target must not be empty');
  if (!target.startsWith('/')) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  if (kind === 'tmpfs') {
    const sizeBytes = mount.object('TmpfsOptions')?.integer('SizeBytes');
    return { kind, target, ...(sizeBytes ? { sizeBytes } : {}) };
  }
  if (kind === 'bind') {
    if (source === '') throw wrong('field Source must not be empty');
    if (!source.startsWith('/')) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
    const create = mount.object('BindOptions')?.boolean('CreateMountpoint') ?? false;
    return { kind, source, target, readonly, create };
  }
  if (kind !== 'volume') throw new DockerError(400, `mount type unknown: "${kind.slice(0, 40)}"`);
  const options = mount.object('VolumeOptions');
  const driver = options?.object('DriverConfig');
  checkDriver(driver?.string('Name') ?? '', driver?.stringMap('Options') ?? {});
  const name = source === '' ? {} : { name: volumeName(source) };
  return { kind, ...name, target, readonly, noCopy: options?.boolean('NoCopy') ?? false };
}

/**
 * Volumes are folders of this server. The options of docker's local driver mount whatever they name, paths of the host
 * included, so there are none.
 * @throws DockerError 400
 */
export function checkDriver(driver: string, options: Readonly<Record<string, string>>): void {
  if (driver !== '' && driver !== 'local')
    throw new DockerError(400, `error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  const [option] = Object.keys(options);
  if (option !== undefined)
    throw new DockerError(400, `volume option ${option}: volumes of Slipway have no driver options; use a bind mount`);
}

function ofTmpfs([target, options]: [string, string]): RequestedMount {
  if (!target.startsWith('/'))
    throw new DockerError(400, `invalid tmpfs mount: invalid mount path: '${target}' mount path must be absolute`);
  const size = /(?:^|,)size=([^,]*)/.exec(options)?.[1];
  const sizeBytes = size === undefined ? undefined : sizeOf(size);
  if (size !== undefined && sizeBytes === undefined) throw new DockerError(400, `invalid tmpfs option "size=${size}"`);
  return { kind: 'tmpfs', target, ...(sizeBytes ? { sizeBytes } : {}) };
}
