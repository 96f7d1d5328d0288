import { closeSync, constants, fstatSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { mountOverlay, unmountIfMounted, unmountOverlay } from '../../containers/sandbox/overlay.ts';
import type { Teardown } from '../../containers/sandbox/teardown.ts';
import { mount } from '../../kernel/mount.ts';
import { O_PATH } from '../../kernel/openat2.ts';
import { makeFoldersBelow, openBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, type Place, Problem } from '../../lib/problem.ts';
import { FolderTree } from '../context/folder-tree.ts';
import { entryAt } from './bind-source.ts';

/** Something on disk that a container can have mounted. */
export interface ShownTree {
  /** Of the file or folder that is meant. */
  path: string;
  isFolder: boolean;
  /** Makes a place to mount on below it, if it isn't there; only in one that was opened `writable`. */
  addStub(below: string, kind: 'file' | 'folder'): Promise<void>;
}

/**
 * Shows a path of a stack of trees. One that is `writable` takes changes into a folder of its own, which nobody reads
 * afterwards. Links are resolved within the trees, which nobody changes any more.
 * @param folder an empty one of ours, for what has to be mounted
 * @throws MissingSource
 */
export async function showTree(
  { lowers, path }: { lowers: string[]; path: string },
  writable: boolean,
  folder: string,
  place: Place,
  teardown: Teardown,
): Promise<ShownTree> {
  const [only = ''] = lowers;
  const root = lowers.length === 1 && !writable ? only : join(folder, 'tree');
  if (root !== only) {
    const overlay = { lowers, upper: join(folder, 'upper') };
    for (const made of [root, overlay.upper]) await mkdir(made, { mode: 0o755 });
    teardown.add('mounted tree', () => unmountOverlay(root, overlay));
    await mountOverlay(root, overlay);
  }
  const tree = new FolderTree(root, { foreign: false });
  try {
    const entry = entryAt(tree, path, place);
    return {
      path: posix.join(root, entry.path),
      isFolder: entry.type === 'folder',
      addStub: (below, kind) => addStub(root, posix.join(entry.path, below), kind),
    };
  } finally {
    tree.close();
  }
}

async function addStub(root: string, path: string, kind: 'file' | 'folder'): Promise<void> {
  const folder = kind === 'folder' ? path : posix.dirname(path);
  await makeFoldersBelow(root, folder, { mode: 0o755, uid: 0, gid: 0 });
  if (kind === 'file') closeSync(openBelow(root, path, constants.O_WRONLY | constants.O_CREAT, 0o644));
}

/**
 * A path of a folder that other containers may write to at this moment: what it means now is opened below the folder, and
 * mounted by its descriptor.
 * @param at a path of ours that doesn't exist yet
 * @throws Problem `not-found`
 */
export async function pinPath(
  root: string,
  path: string,
  at: string,
  place: Place,
  teardown: Teardown,
): Promise<string> {
  let fd: number;
  try {
    fd = openBelow(root, path, O_PATH);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
    throw new Problem('not-found', `RUN --mount failed: the cache has no ${JSON.stringify(path)} yet`, {
      place,
      hint: 'Without from=, source= names a folder that an earlier RUN made in the same cache.',
      cause: error,
    });
  }
  try {
    if (fstatSync(fd).isDirectory()) await mkdir(at);
    else await writeFile(at, '');
    teardown.add('mounted path', () => unmountIfMounted(at));
    await mount({ source: `/proc/${process.pid}/fd/${fd}`, target: at, type: '', flags: ['bind'] });
    return at;
  } finally {
    closeSync(fd);
  }
}
