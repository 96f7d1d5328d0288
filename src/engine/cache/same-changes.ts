import { decodeLayer } from '../../images/decompress.ts';
import type { Layer } from '../../images/layer.ts';
import { readTar } from '../../images/tar/read.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import { PassingBytes } from '../layers/passing-bytes.ts';
import { fromHeader } from '../layers/tar-entries.ts';
import type { MergedTree } from '../trees/merged-tree.ts';
import { entryFacts } from './key.ts';

/**
 * Whether two layers change the tree below them in the same way, times apart. Folders that are only repeated, as overlay
 * file systems do with every parent, are no change. Both are read once, and the diffIDs are verified on the way.
 * @param b absent: a change of nothing
 */
export async function sameChanges(
  a: Layer,
  b: Layer | undefined,
  below: MergedTree,
  content: ContentReader,
): Promise<boolean> {
  const theirs = await changesOf(a, below, content);
  const ours = b === undefined ? new Map<string, string>() : await changesOf(b, below, content);
  return theirs.size === ours.size && [...theirs].every(([path, change]) => ours.get(path) === change);
}

async function changesOf(layer: Layer, below: MergedTree, content: ContentReader): Promise<Map<string, string>> {
  const changes = new Map<string, string>();
  const tar = decodeLayer(await content.open(layer.blob.digest), layer.blob.mediaType, { diffID: layer.diffID });
  for await (const { header, body } of readTar(tar)) {
    const change = fromHeader(header);
    if (change === undefined) continue;
    if (change.kind !== 'entry') {
      changes.set(`${change.kind} ${change.path}`, '');
      continue;
    }
    const { path, type, mode, uid, gid } = change.entry;
    if (type === 'folder') {
      const known = path === '' ? change.entry : await below.lookup(path);
      if (known?.type === 'folder' && known.mode === mode && known.uid === uid && known.gid === gid) continue;
    }
    const digest = type === 'file' ? await digestOfBody(body) : '';
    changes.set(path, JSON.stringify(entryFacts(change.entry, digest)));
  }
  return changes;
}

async function digestOfBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const passing = new PassingBytes(body, false);
  for await (const _ of passing);
  return passing.finish();
}
