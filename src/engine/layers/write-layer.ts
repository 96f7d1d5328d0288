import { type FileHandle, open, rm } from 'node:fs/promises';
import { LayerEncoder } from '../../images/compress.ts';
import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { ContentWriter } from '../../stores/content/content.ts';
import { type Change, ContentDigest } from '../trees/content-digest.ts';
import type { TreeEntry } from '../trees/entry.ts';
import { KEPT_TEXT_LIMIT, KEPT_TEXTS, Listing } from '../trees/listing.ts';
import { LayerFile } from './layer-file.ts';
import { type Body, LayerTar, type Measured } from './layer-tar.ts';
import { toHeader } from './tar-entries.ts';

/** One change to write. A file's bytes are opened when its turn comes, so that few files are open at a time. */
export type LayerItem =
  | { kind: 'whiteout' | 'opaque'; path: string }
  | {
      kind: 'entry';
      entry: TreeEntry;
      open?: (() => Body) | undefined;
      /** Told the digest of the bytes once they have passed. */
      measured?: ((digest: Digest) => void) | undefined;
    };

/** A layer whose blob is a finished file that nobody knows yet: kept by `adopt`, or thrown away. */
export interface WrittenLayer {
  layer: Layer;
  contentDigest: Digest;
  listing: Listing;
  /** Makes it a blob of the content store. */
  adopt(): Promise<void>;
  discard(): Promise<void>;
}

export interface WriteLayerOptions {
  /** Of a reproducible build: later times are written as this one. */
  latestNs?: bigint | undefined;
  /** Told how many more bytes of files have passed. */
  passed?: ((bytes: number) => void) | undefined;
}

/**
 * Writes a layer in one pass: every file is read once, and on its way hashed, put into the tar, hashed again as part of
 * it, compressed and written. What it changed is known at the end, without times (`contentDigest`) and by path (`listing`).
 * @throws Problem `conflict` when a file changes while it is read; `cancelled`. Nothing is left behind then.
 */
export async function writeLayer(
  content: ContentWriter,
  items: AsyncIterable<LayerItem> | Iterable<LayerItem>,
  signal: AbortSignal,
  { latestNs, passed }: WriteLayerOptions = {},
): Promise<WrittenLayer> {
  const file = await content.scratch();
  const discard = () => rm(file, { force: true });
  let handle: FileHandle | undefined;
  try {
    const target = await open(file, 'w', 0o600);
    handle = target;
    const bytes = new LayerFile(target);
    const encoder = new LayerEncoder((chunk) => bytes.write(chunk), { signal });
    const layerWriter = new LayerWriter(new LayerTar(encoder, passed), latestNs);
    // an await for every item of a list that is there already would cost as much as what is done with it
    if (Symbol.iterator in items)
      for (const item of items) {
        const waiting = layerWriter.add(item);
        if (waiting !== undefined) await waiting;
      }
    else for await (const item of items) await layerWriter.add(item);
    await layerWriter.finish();
    const { layer } = await encoder.finish();
    await bytes.finish();
    await handle.close();
    handle = undefined;
    const { digest, size } = layer.blob;
    return {
      layer,
      contentDigest: layerWriter.contentDigest.finish(),
      listing: layerWriter.listing,
      adopt: async () => {
        await content.adopt(file, { digest, size, diffID: layer.diffID });
      },
      discard,
    };
  } catch (error) {
    await handle?.close();
    await discard();
    throw error;
  }
}

/** Puts changes into a tar and notes what they are. */
class LayerWriter {
  readonly contentDigest = new ContentDigest();
  readonly listing = new Listing();
  readonly #tar: LayerTar;
  readonly #latestNs: bigint | undefined;

  constructor(tar: LayerTar, latestNs: bigint | undefined) {
    this.#tar = tar;
    this.#latestNs = latestNs;
  }

  /** Gives a promise only where something has to be waited for. */
  add(item: LayerItem): Promise<void> | undefined {
    if (item.kind !== 'entry') {
      this.#note(item);
      return this.#tar.entry(toHeader(item));
    }
    const { entry, open } = item;
    const header = toHeader({ kind: 'entry', entry: dated(entry, this.#latestNs) });
    if (entry.type !== 'file' || open === undefined) {
      this.#note({ kind: 'entry', entry });
      return this.#tar.entry(header);
    }
    const keepText = KEPT_TEXTS.includes(entry.path) && entry.size <= KEPT_TEXT_LIMIT;
    const measured = this.#tar.file(header, open, keepText);
    if (measured instanceof Promise) return measured.then((late) => this.#noteFile(item, late));
    this.#noteFile(item, measured);
    return undefined;
  }

  finish(): Promise<void> {
    return this.#tar.finish();
  }

  #noteFile({ entry, measured }: LayerItem & { kind: 'entry' }, { digest, text }: Measured): void {
    measured?.(digest);
    this.#note({ kind: 'entry', entry, digest });
    if (text !== undefined) this.listing.texts.set(entry.path, text);
  }

  /** The content digest keeps what it is given, so it gets the entry that is there anyway: it looks at no dates. */
  #note(change: Change): void {
    this.contentDigest.add(change);
    this.listing.add(change.kind === 'entry' ? { ...change, entry: dated(change.entry, this.#latestNs) } : change);
  }
}

const SECOND = 1_000_000_000n;

/** Whole seconds, as docker's daemon writes them: a fraction would cost every file a second header and two more blocks. */
function dated(entry: TreeEntry, latestNs: bigint | undefined): TreeEntry {
  const time = latestNs === undefined || entry.mtimeNs <= latestNs ? entry.mtimeNs : latestNs;
  const fraction = ((time % SECOND) + SECOND) % SECOND;
  return fraction === 0n && time === entry.mtimeNs ? entry : { ...entry, mtimeNs: time - fraction };
}
