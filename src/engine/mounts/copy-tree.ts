import { closeSync } from 'node:fs';
import { chmod, constants, copyFile, mkdir, symlink } from 'node:fs/promises';
import { pathBytes } from '../../images/tar/path-text.ts';
import { setTimes } from '../../kernel/file-times.ts';
import { makeNode } from '../../kernel/node-file.ts';
import { selfFd } from '../../kernel/rooted.ts';
import { openUnchanged } from '../context/open-unchanged.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import { baseOf } from '../trees/entry.ts';

/**
 * Copies selected entries of a context into an empty folder of ours, as root's and with their times. A context is never
 * mounted itself: its files belong to whoever checked them out, some are ignored, and somebody may write to it meanwhile.
 * File systems that can do so share the bytes.
 * @param root the entry that `folder` itself stands for; of a file, it gets that name in it
 */
export async function copyTree(
  tree: SourceTree,
  root: SourceEntry,
  content: readonly SourceEntry[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  if (root.type !== 'folder') {
    await copyEntry(tree, root, Buffer.concat([Buffer.from(`${folder}/`), pathBytes(baseOf(root.path))]));
    return;
  }
  const cut = root.path === '' ? 0 : root.path.length + 1;
  const at = (entry: SourceEntry) => Buffer.concat([Buffer.from(`${folder}/`), pathBytes(entry.path.slice(cut))]);
  for (const entry of content) {
    signal.throwIfAborted();
    await copyEntry(tree, entry, at(entry));
  }
  // the deepest first: what is made in a folder changes its time, and its mode may forbid nothing to root
  for (const entry of content.filter(({ type }) => type === 'folder').reverse()) await settle(entry, at(entry));
  await settle(root, Buffer.from(folder));
}

async function copyEntry(tree: SourceTree, entry: SourceEntry, to: Buffer): Promise<void> {
  switch (entry.type) {
    case 'folder':
      await mkdir(to);
      return;
    case 'symlink':
      await symlink(pathBytes(entry.link ?? ''), to);
      setTimes(to, entry.mtimeNs, entry.mtimeNs);
      return;
    case 'file': {
      const { fd } = openUnchanged(tree, entry, 'mounted');
      try {
        await copyFile(selfFd(fd), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      } finally {
        closeSync(fd);
      }
      break;
    }
    case 'fifo':
      makeNode(to, 'fifo', entry.mode);
      break;
    default: {
      const { major = 0, minor = 0 } = entry.device ?? {};
      if (major === 0 && minor === 0) return; // to an overlay it would mean that something is removed
      makeNode(to, entry.type === 'block' ? 'block' : 'character', entry.mode, major, minor);
    }
  }
  await settle(entry, to);
}

async function settle({ mode, mtimeNs }: SourceEntry, to: Buffer): Promise<void> {
  await chmod(to, mode);
  setTimes(to, mtimeNs, mtimeNs);
}
