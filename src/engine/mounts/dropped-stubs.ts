import { rmdir } from 'node:fs/promises';
import { lstatBelowIfThere, placeBelow } from '../../kernel/rooted.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { ancestorsOf, cleanPath } from '../trees/entry.ts';
import type { MergedTree } from '../trees/merged-tree.ts';

/**
 * Folders on the way to a mount that the image lacks were made for the mount. They are no part of the container's changes
 * until a command touches them, by making a file there and removing it again; then they go, as long as they are empty.
 */
export async function dropStubs(upper: string, targets: readonly string[], below: MergedTree): Promise<void> {
  for (const target of targets) {
    const path = (await below.resolve(cleanPath(target), true)).path;
    for (const folder of [...ancestorsOf(path), path].reverse()) {
      if ((await below.lookup(folder)) !== undefined) break;
      if (lstatBelowIfThere(upper, folder)?.isDirectory() !== true) continue;
      try {
        await placeBelow(upper, folder, (safe) => rmdir(safe));
      } catch (error) {
        if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
        break;
      }
    }
  }
}
