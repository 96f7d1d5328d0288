import { createHash } from 'node:crypto';
import { fromHeader } from '../../src/engine/layers/tar-entries.ts';
import { ancestorsOf, type TreeEntry } from '../../src/engine/trees/entry.ts';
import type { ImageConfig, RunConfig } from '../../src/images/config.ts';
import { readTar } from '../../src/images/tar/read.ts';

/** What one layer's tar says, in its order. */
export type LayerChange =
  | { kind: 'entry'; entry: TreeEntry; sha256: string }
  | { kind: 'whiteout' | 'opaque'; path: string };

/** An image as two builders can be compared by: what a container would see, and how it would be started. */
export interface FlatImage {
  /** Path -> `file 644 0:0 12 sha256`, `folder 755 0:0`, `symlink 0:0 -> target`; only what differs from the base. */
  files: Record<string, string>;
  /** Paths of the base that are gone. */
  removed: string[];
  config: Partial<RunConfig> & { Author?: string };
  /** Layers above the base that change more than the date of a folder. */
  layers: number;
  /** `created_by` above the base, without BuildKit's own remark. */
  history: string[];
}

/** A date before this one was fixed by an input; every later one is the hour of the build, which nobody compares. */
const FIXED_BEFORE_NS = BigInt(Date.UTC(2010, 0, 1)) * 1_000_000n;

const CONFIG_FIELDS = [
  'Env',
  'Cmd',
  'Entrypoint',
  'WorkingDir',
  'User',
  'Labels',
  'ExposedPorts',
  'Volumes',
  'StopSignal',
  'Healthcheck',
  'Shell',
  'OnBuild',
] as const;

export async function readLayer(tar: AsyncIterable<Uint8Array>): Promise<LayerChange[]> {
  const out: LayerChange[] = [];
  for await (const { header, body } of readTar(tar)) {
    const change = fromHeader(header);
    if (change === undefined) continue;
    if (change.kind !== 'entry') {
      out.push(change);
      continue;
    }
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk);
    out.push({ ...change, sha256: hash.digest('hex') });
  }
  return out;
}

interface Node {
  entry: TreeEntry;
  sha256: string;
}

/** A file tree as the overlay of its layers shows it; names of one file share a node. */
class FlatTree {
  readonly nodes = new Map<string, Node>();

  /** @returns whether anything but a folder's date changed */
  apply(changes: readonly LayerChange[]): boolean {
    let changed = false;
    for (const change of changes) {
      if (change.kind === 'entry') continue;
      for (const path of [...this.nodes.keys()])
        if (path.startsWith(`${change.path}/`) || (path === change.path && change.kind === 'whiteout'))
          changed = this.nodes.delete(path) || changed;
    }
    const written = new Set(changes.flatMap((change) => (change.kind === 'entry' ? [change.entry.path] : [])));
    for (const change of changes) if (change.kind === 'entry') changed = this.#put(change, written) || changed;
    return changed;
  }

  /** @param written paths of this layer: a parent that isn't among them is one that docker makes up, mode 0600 */
  #put({ entry, sha256 }: LayerChange & { kind: 'entry' }, written: ReadonlySet<string>): boolean {
    if (entry.path === '') return false;
    for (const path of ancestorsOf(entry.path)) {
      if (written.has(path)) continue;
      const made: Node = { entry: { ...entry, path, type: 'folder', mode: 0o600, uid: 0, gid: 0 }, sha256: '' };
      if (this.nodes.get(path)?.entry.type === 'folder') this.nodes.set(path, made);
      else this.#set(path, made);
    }
    const earlier = this.nodes.get(entry.path);
    const node = entry.type === 'hardlink' ? this.nodes.get(entry.link ?? '') : { entry, sha256 };
    if (entry.type === 'hardlink' && node !== undefined) {
      // docker and containerd give the file what the last of its headers says
      const { mode, uid, gid, mtimeNs, xattrs } = entry;
      node.entry = { ...node.entry, mode, uid, gid, mtimeNs, xattrs: { ...node.entry.xattrs, ...xattrs } };
    }
    if (node === undefined) throw new Error(`${entry.path} is a second name of ${entry.link}, which is not there`);
    if (earlier?.entry.type === 'folder' && entry.type === 'folder') {
      this.nodes.set(entry.path, node);
      return describe(earlier) !== describe(node);
    }
    this.#set(entry.path, node);
    return true;
  }

  #set(path: string, node: Node): void {
    for (const below of [...this.nodes.keys()]) if (below.startsWith(`${path}/`)) this.nodes.delete(below);
    this.nodes.set(path, node);
  }

  described(): Map<string, string> {
    const names = new Map<Node, string[]>();
    for (const [path, node] of this.nodes) names.set(node, [...(names.get(node) ?? []), path]);
    const out = new Map<string, string>();
    for (const [path, node] of this.nodes) {
      const others = (names.get(node) ?? []).filter((other) => other !== path).sort();
      out.set(path, `${describe(node)}${others.length === 0 ? '' : ` also ${others.join(' ')}`}`);
    }
    return out;
  }
}

function describe({ entry, sha256 }: Node): string {
  const { type, mode, uid, gid, size, link, device, xattrs, mtimeNs } = entry;
  const parts: string[] = [type, ...(type === 'symlink' ? [] : [mode.toString(8)]), `${uid}:${gid}`];
  if (type === 'file') parts.push(String(size), sha256);
  if (type === 'symlink') parts.push(`-> ${link}`);
  if (device !== undefined) parts.push(`${device.major}:${device.minor}`);
  for (const [name, value] of Object.entries(xattrs ?? {})) parts.push(`${name}=${value.toString('base64')}`);
  if (type === 'file' && mtimeNs < FIXED_BEFORE_NS)
    parts.push(new Date(Number(mtimeNs / 1_000_000n)).toISOString().slice(0, 19));
  return parts.join(' ');
}

/**
 * @param layers all of the image, the lowest first
 * @param base what the base image is made of; an image that doesn't begin with it is described whole
 */
export function flattenImage(
  config: ImageConfig,
  layers: readonly (readonly LayerChange[])[],
  base: { diffIDs: readonly string[]; layers: readonly (readonly LayerChange[])[] },
): FlatImage {
  const onBase = base.diffIDs.every((diffID, i) => config.rootfs.diff_ids[i] === diffID);
  const below = new FlatTree();
  const tree = new FlatTree();
  if (onBase) for (const layer of base.layers) below.apply(layer);
  let own = 0;
  for (const [i, layer] of layers.entries()) if (tree.apply(layer) && !(onBase && i < base.layers.length)) own++;
  const before = below.described();
  const after = tree.described();
  const files = [...after].filter(([path, text]) => before.get(path) !== text).sort(([a], [b]) => (a < b ? -1 : 1));
  const history = (config.history ?? []).slice(onBase ? base.layers.length : 0);
  return {
    files: Object.fromEntries(files),
    removed: [...before.keys()].filter((path) => !after.has(path)).sort(),
    config: runConfig(config),
    layers: own,
    history: history.map((entry) => (entry.created_by ?? '').replace(/ # buildkit$/, '')),
  };
}

function runConfig({ config, author }: ImageConfig): FlatImage['config'] {
  const out: Record<string, unknown> = {};
  for (const field of CONFIG_FIELDS) {
    const value = config?.[field];
    const empty = value === undefined || value === null || value === '' || Object.keys(value).length === 0;
    if (!empty) out[field] = value;
  }
  if (author !== undefined && author !== '') out['Author'] = author;
  return out;
}
