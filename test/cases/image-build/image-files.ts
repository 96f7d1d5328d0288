import type { EngineDeps } from '../../../src/engine/deps.ts';
import { fromHeader } from '../../../src/engine/layers/tar-entries.ts';
import type { TreeEntry } from '../../../src/engine/trees/entry.ts';
import { decodeLayer } from '../../../src/images/decompress.ts';
import type { Layer } from '../../../src/images/layer.ts';
import { readTar } from '../../../src/images/tar/read.ts';

export interface ImageFile extends TreeEntry {
  text?: string;
}

/** Changes of a layer as its tar says them, in order; removals stand as `type: 'whiteout' | 'opaque'`. */
export async function layerChanges(
  deps: EngineDeps,
  layer: Layer,
): Promise<(ImageFile | { path: string; type: string })[]> {
  const out: (ImageFile | { path: string; type: string })[] = [];
  const tar = decodeLayer(await deps.content.open(layer.blob.digest), layer.blob.mediaType, { diffID: layer.diffID });
  for await (const { header, body } of readTar(tar)) {
    const change = fromHeader(header);
    if (change === undefined) continue;
    if (change.kind !== 'entry') {
      out.push({ path: change.path, type: change.kind });
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    out.push({ ...change.entry, text: Buffer.concat(chunks).toString('utf8') });
  }
  return out;
}

/** One line per path, as a person would note it: `file 644 0:0 "text"`, `folder 1777 0:0`, `symlink 0:0 -> x`, `whiteout`. */
export function describeFile(file: ImageFile | { path: string; type: string }): string {
  if (!('mode' in file)) return file.type;
  const owner = `${file.uid}:${file.gid}`;
  const attributes = Object.keys(file.xattrs ?? {}).map((name) => ` ${name}`);
  if (file.type === 'symlink' || file.type === 'hardlink') return `${file.type} ${owner} -> ${file.link}`;
  const node = file.device === undefined ? '' : ` ${file.device.major}:${file.device.minor}`;
  const text = file.type === 'file' ? ` ${JSON.stringify(file.text)}` : '';
  return `${file.type} ${file.mode.toString(8)} ${owner}${node}${text}${attributes.join('')}`;
}

/** What the layers above the base say of each path; later ones win. */
export async function filesAbove(deps: EngineDeps, layers: readonly Layer[]): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const layer of layers) for (const file of await layerChanges(deps, layer)) out[file.path] = describeFile(file);
  return out;
}
