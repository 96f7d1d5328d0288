import { closeSync } from 'node:fs';
import { type Digest, Digester } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { FileIndex } from '../context/file-index.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import type { CopiedFile } from '../key.ts';
import { fileBytes } from '../layers/file-bytes.ts';

/**
 * What a mount shows of its entries, as it enters a key: everything that a command could see but times. What the index
 * doesn't know is read.
 * @param base path of what is mounted, below the tree's root
 */
export async function fileFacts(
  tree: SourceTree,
  base: string,
  entries: readonly SourceEntry[],
  index: FileIndex | undefined,
  signal: AbortSignal,
): Promise<CopiedFile[]> {
  const out: CopiedFile[] = [];
  const cut = base === '' ? 0 : base.length + 1;
  for (const entry of entries) {
    signal.throwIfAborted();
    const { path, type, mode, uid, gid, size, link, device, xattrs } = entry;
    const digest = type === 'file' ? await digestOfFile(tree, entry, index) : '';
    const attributes = Object.entries(xattrs ?? {}).map(([key, value]) => `${key}=${value.toString('base64')}`);
    const node = device === undefined ? '' : `${device.major}:${device.minor}`;
    out.push({
      path: path.slice(cut),
      name: type === 'folder' ? `${path}/` : path,
      facts: [0, type, mode, uid, gid, size, digest, link ?? '', node, ...attributes.sort()],
    });
  }
  return out;
}

async function digestOfFile(tree: SourceTree, entry: SourceEntry, index: FileIndex | undefined): Promise<Digest> {
  const known = index?.digest(entry.path, entry);
  if (known !== undefined) return known;
  const seenMs = Date.now();
  const digester = new Digester();
  for await (const chunk of fileBytes(openUnchanged(tree, entry), entry.size)) digester.update(chunk);
  if (digester.size !== entry.size) throw changed(entry);
  const digest = digester.finish();
  index?.note(entry.path, entry, digest, seenMs);
  return digest;
}

/** @returns its descriptor @throws Problem `conflict` when it is another file than the one that was selected */
export function openUnchanged(tree: SourceTree, entry: SourceEntry): number {
  const { fd, size, mtimeNs } = tree.open(entry.path);
  if (size === entry.size && mtimeNs === entry.mtimeNs) return fd;
  closeSync(fd);
  throw changed(entry);
}

function changed({ path }: SourceEntry): Problem {
  return new Problem('conflict', `${path} changed while it was mounted`, {
    hint: 'Something else writes to this file. Stop it, or exclude the file, and build again.',
  });
}
