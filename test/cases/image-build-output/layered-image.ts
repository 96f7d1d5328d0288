import type { EngineDeps } from '../../../src/engine/deps.ts';
import { type LayerItem, writeLayer } from '../../../src/engine/layers/write-layer.ts';
import type { TreeEntry } from '../../../src/engine/trees/entry.ts';
import type { Layer } from '../../../src/images/layer.ts';
import { putImage } from '../image-build/busybox-base.ts';

const WHEN = 1_600_000_000_000_000_000n;

export function entry(path: string, type: TreeEntry['type'], rest: Partial<TreeEntry> = {}): LayerItem {
  const mode = type === 'folder' ? 0o755 : type === 'symlink' ? 0o777 : 0o644;
  return { kind: 'entry', entry: { path, type, mode, uid: 0, gid: 0, size: 0, mtimeNs: WHEN, ...rest } };
}

export function text(path: string, value: string, rest: Partial<TreeEntry> = {}): LayerItem {
  const bytes = Buffer.from(value);
  return {
    kind: 'entry',
    entry: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtimeNs: WHEN, ...rest },
    open: async function* () {
      yield bytes;
    },
  };
}

/** Puts an image of these layers, the lowest first, into our own registry. */
export async function putLayers(deps: EngineDeps, name: string, ...layers: LayerItem[][]): Promise<Layer[]> {
  const written: Layer[] = [];
  for (const items of layers) {
    const layer = await writeLayer(deps.content, items, new AbortController().signal);
    await layer.adopt();
    written.push(layer.layer);
  }
  await putImage(
    deps,
    name,
    {
      ...deps.platform,
      created: '2024-01-02T03:04:05Z',
      config: {},
      rootfs: { type: 'layers', diff_ids: written.map((layer) => layer.diffID) },
      history: written.map(() => ({ created: '2024-01-02T03:04:05Z', created_by: 'a layer' })),
    },
    written.map((layer) => layer.blob),
  );
  return written;
}
