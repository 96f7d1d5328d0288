import { mkdir } from 'node:fs/promises';
import { mount, unmount } from '../../kernel/mount.ts';

/**
 * A folder for secrets that is memory alone: it is never written to a disk nor, as tmpfs would be, to swap. It is gone
 * when it is unmounted.
 * @param folder is made
 */
export async function mountMemory(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await mount({
    source: 'slipway-secrets',
    target: folder,
    type: 'ramfs',
    flags: ['nosuid', 'nodev', 'noexec'],
    options: 'mode=0700',
  });
}

export async function unmountMemory(folder: string): Promise<void> {
  await unmount(folder, { lazy: true });
}
