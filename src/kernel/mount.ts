import { runOk } from '../lib/run.ts';
import { callAsync, cString, nativeAvailable } from './libc.ts';

const FLAGS = {
  readonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
} as const;

export type MountFlag = keyof typeof FLAGS;

export interface MountRequest {
  /** A device, a folder to bind, or a name that is only shown. */
  source: string;
  target: string;
  /** File system; empty for bind mounts and changes of propagation. */
  type: string;
  flags?: MountFlag[];
  /** The file system's own options; the kernel reads at most one page (4095 bytes) and cuts the rest off. */
  options?: string;
}

/**
 * mount(2). Costs 0.1 ms, where the spawned mount(8) costs 3.5 ms; the latter stands in where the C library can't be called.
 * @throws SystemCallError, from the stand-in Problem `failed`
 */
export async function mount(request: MountRequest): Promise<void> {
  const flags = request.flags ?? [];
  if (!nativeAvailable()) return await spawnedMount(request, flags);
  await callAsync(
    'mount',
    request.target,
    cString(request.source),
    cString(request.target),
    cString(request.type),
    flags.reduce((sum, flag) => sum | FLAGS[flag], 0),
    request.options === undefined ? null : cString(request.options),
  );
}

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/**
 * umount2(2). `lazy` takes it out of sight now and ends it when its last user closes: the way out when a process that we
 * do not control keeps a file open.
 * @throws SystemCallError `EINVAL` when nothing is mounted there, `EBUSY` when it is in use and not `lazy`
 */
export async function unmount(target: string, options: { lazy?: boolean } = {}): Promise<void> {
  if (!nativeAvailable()) {
    await runOk('umount', [...(options.lazy === true ? ['--lazy'] : []), '--no-canonicalize', target]);
    return;
  }
  await callAsync('umount2', target, cString(target), UMOUNT_NOFOLLOW | (options.lazy === true ? MNT_DETACH : 0));
}

const SPAWNED_NAMES: Record<MountFlag, string> = {
  readonly: 'ro',
  nosuid: 'nosuid',
  nodev: 'nodev',
  noexec: 'noexec',
  remount: 'remount',
  bind: 'bind',
  recursive: 'rbind',
  private: 'private',
};

async function spawnedMount(request: MountRequest, flags: MountFlag[]): Promise<void> {
  const options = [...flags.map((flag) => SPAWNED_NAMES[flag]), ...(request.options ? [request.options] : [])];
  await runOk('mount', [
    '--no-canonicalize',
    ...(request.type === '' ? [] : ['-t', request.type]),
    ...(options.length === 0 ? [] : ['-o', options.join(',')]),
    request.source,
    request.target,
  ]);
}
