import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { mount, unmount } from '../../kernel/mount.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { copyFolderAttributes } from './folder-attributes.ts';
import { currentOwner, type Owner } from './owner.ts';

/** mount(2) hands over one page of options and cuts the rest off without a word. */
const OPTION_BYTES = 4095;

/**
 * Fixed for every mount, because the upper folder becomes a layer that must mean the same on any machine:
 * - redirect_dir=off, metacopy=off: else a rename or chmod leaves a note for overlayfs in place of the files themselves;
 * - index=off: no file handles in the upper, and a folder that was used once may be mounted again;
 * - volatile: no fsync reaches the disk for the container's sake. What a container writes is either committed as a layer,
 *   which syncs it then, or thrown away; apt and dpkg sync thousands of times (Linux 5.10).
 */
const FIXED_OPTIONS = ['redirect_dir=off', 'metacopy=off', 'index=off'];

export interface Overlay {
  /** Topmost first. */
  lowers: string[];
  upper: string;
}

/**
 * Mounts lowers and upper at `target`; `<upper>.work` is made for the time of the mount. An empty upper takes mode, owner
 * and time of the topmost lower's root: they are what a container sees of "/", and the layer must not change them.
 * @throws SystemCallError, Problem `unsupported` for more layers than fit
 */
export async function mountOverlay(target: string, overlay: Overlay): Promise<void> {
  const work = workFolder(overlay.upper);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true, mode: 0o700 });
  const top = overlay.lowers[0];
  if (top !== undefined && (await readdir(overlay.upper)).length === 0) copyFolderAttributes(top, overlay.upper);
  await mountByDescriptors(target, overlay.lowers, { upper: overlay.upper, work });
}

/** @throws SystemCallError; one that was not mounted is no error, so that a half-done mount can be taken back */
export async function unmountOverlay(target: string, overlay: Overlay): Promise<void> {
  await unmountIfMounted(target);
  await rm(workFolder(overlay.upper), { recursive: true, force: true });
}

/** A read-only look at what a container would see, for finding out what it lacks before it is mounted for real. */
export async function withReadOnlyView<T>(
  target: string,
  overlay: Overlay,
  use: (root: string) => Promise<T>,
): Promise<T> {
  // One folder alone is no overlay (the kernel wants two), and needs none.
  if (overlay.lowers.length === 0) return await use(overlay.upper);
  await mountByDescriptors(target, [overlay.upper, ...overlay.lowers]);
  try {
    return await use(target);
  } finally {
    await unmountIfMounted(target);
  }
}

/** Overlays show as their source whose they are: the mount table alone tells a sweep which ones a dead process left. */
const SOURCE = 'slipway@';

/** Undefined for mounts that are not ours. */
export function overlayOwner(source: string): Owner | undefined {
  return source.startsWith(SOURCE) ? source.slice(SOURCE.length) : undefined;
}

export function workFolder(upper: string): string {
  return `${upper}.work`;
}

export async function unmountIfMounted(target: string): Promise<void> {
  try {
    await unmount(target);
  } catch (error) {
    if (hasErrorCode(error, 'EINVAL', 'ENOENT')) return;
    if (!hasErrorCode(error, 'EBUSY')) throw error;
    await unmount(target, { lazy: true });
  }
}

/**
 * Names every folder as /proc/PID/fd/N: 20 bytes whatever the path, so that 200 layers fit into the page, a comma or colon
 * in a path means nothing, and nobody can swap the folder. (125 paths of ordinary length fail with ENOENT, since the last
 * one is cut in the middle; fsconfig's lowerdir+ limits each path to 255 bytes and needs Linux 6.7.) The kernel holds
 * the folders themselves, so the descriptors are closed as soon as the mount stands.
 */
async function mountByDescriptors(
  target: string,
  lowers: string[],
  writable?: { upper: string; work: string },
): Promise<void> {
  const handles: FileHandle[] = [];
  const name = async (folder: string) => {
    const handle = await open(folder, 'r');
    handles.push(handle);
    return `/proc/${process.pid}/fd/${handle.fd}`;
  };
  try {
    const options = [...FIXED_OPTIONS];
    if (writable !== undefined) {
      options.push('volatile', `upperdir=${await name(writable.upper)}`, `workdir=${await name(writable.work)}`);
    }
    const names: string[] = [];
    for (const lower of lowers) names.push(await name(lower));
    const text = [...options, `lowerdir=${names.join(':')}`].join(',');
    if (text.length > OPTION_BYTES) {
      throw new Problem('unsupported', `${lowers.length} layers are more than one mount can hold`, {
        hint: 'Merge some layers, for example by a FROM scratch stage with COPY --from=... / /.',
      });
    }
    await mount({
      source: `${SOURCE}${currentOwner()}`,
      target,
      type: 'overlay',
      flags: writable ? [] : ['readonly'],
      options: text,
    });
  } finally {
    for (const handle of handles) await handle.close();
  }
}
