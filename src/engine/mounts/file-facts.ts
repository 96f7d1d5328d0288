import { type Digest, Digester } from '../../images/digest.ts';
import { type CopiedFile, entryFacts } from '../cache/key.ts';
import type { FileIndex } from '../context/file-index.ts';
import { changedMeanwhile, openUnchanged } from '../context/open-unchanged.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
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
    const { path, type } = entry;
    const digest = type === 'file' ? await digestOfFile(tree, entry, index) : '';
    out.push({
      path: path.slice(cut),
      name: type === 'folder' ? `${path}/` : path,
      facts: [0, ...entryFacts(entry, digest)],
    });
  }
  return out;
}

async function digestOfFile(tree: SourceTree, entry: SourceEntry, index: FileIndex | undefined): Promise<Digest> {
  const known = index?.digest(entry.path, entry);
  if (known !== undefined) return known;
  const seenMs = Date.now();
  const digester = new Digester();
  for await (const chunk of fileBytes(openUnchanged(tree, entry, 'mounted').fd, entry.size)) digester.update(chunk);
  if (digester.size !== entry.size) throw changedMeanwhile(entry, 'mounted');
  const digest = digester.finish();
  index?.note(entry.path, entry, digest, seenMs);
  return digest;
}
