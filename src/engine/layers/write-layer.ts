import { hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { encodeLayer } from '../../images/compress.ts';
import { type Digest, Digester } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { type TarInput, writeTar } from '../../images/tar/write.ts';
import type { ContentWriter } from '../../stores/content/content.ts';
import { type Change, ContentDigest } from '../trees/content-digest.ts';
import type { TreeEntry } from '../trees/entry.ts';
import { KEPT_TEXT_LIMIT, KEPT_TEXTS, Listing } from '../trees/listing.ts';
import { HUGE } from './file-bytes.ts';
import { LayerFile } from './layer-file.ts';
import { toHeader } from './tar-entries.ts';
import { ThreadedBytes } from './threaded-bytes.ts';

/** One change to write. A file's bytes are opened when its turn comes, so that few files are open at a time. */
export type LayerItem =
  | { kind: 'whiteout' | 'opaque'; path: string }
  | {
      kind: 'entry';
      entry: TreeEntry;
      open?: (() => AsyncIterable<Uint8Array>) | undefined;
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

/**
 * Writes a layer in one pass: every file is read once, and on its way hashed, put into the tar, hashed again as part of
 * it, compressed and written. What it changed is known at the end, without times (`contentDigest`) and by path (`listing`).
 * @param latestNs of a reproducible build: later times are written as this one
 * @throws Problem `conflict` when a file changes while it is read; `cancelled`. Nothing is left behind then.
 */
export async function writeLayer(
  content: ContentWriter,
  items: AsyncIterable<LayerItem> | Iterable<LayerItem>,
  signal: AbortSignal,
  latestNs?: bigint | undefined,
): Promise<WrittenLayer> {
  const contentDigest = new ContentDigest();
  const listing = new Listing();
  const file = await content.scratch();
  const discard = () => rm(file, { force: true });
  let handle: FileHandle | undefined;
  try {
    const target = await open(file, 'w', 0o600);
    handle = target;
    const bytes = new LayerFile(target);
    const { layer } = await encodeLayer(
      writeTar(toInputs(items, contentDigest, listing, latestNs)),
      (chunk) => bytes.write(chunk),
      { signal },
    );
    await bytes.finish();
    await handle.close();
    handle = undefined;
    const { digest, size } = layer.blob;
    return {
      layer,
      contentDigest: contentDigest.finish(),
      listing,
      adopt: async () => {
        await content.adopt(file, { digest, size });
      },
      discard,
    };
  } catch (error) {
    await handle?.close();
    await discard();
    throw error;
  }
}

async function* toInputs(
  items: AsyncIterable<LayerItem> | Iterable<LayerItem>,
  contentDigest: ContentDigest,
  listing: Listing,
  latestNs: bigint | undefined,
): AsyncGenerator<TarInput, void, undefined> {
  for await (const item of items) {
    if (item.kind !== 'entry') {
      yield { header: toHeader(item) };
      record(item);
      continue;
    }
    const entry = dated(item.entry, latestNs);
    if (entry.type !== 'file' || item.open === undefined) {
      yield { header: toHeader({ kind: 'entry', entry }) };
      record({ kind: 'entry', entry });
      continue;
    }
    const passing =
      entry.size >= HUGE
        ? new ThreadedBytes(item.open())
        : new PassingBytes(item.open(), KEPT_TEXTS.includes(entry.path) && entry.size <= KEPT_TEXT_LIMIT);
    yield { header: toHeader({ kind: 'entry', entry }), body: passing };
    const digest = passing.finish();
    item.measured?.(digest);
    record({ kind: 'entry', entry, digest });
    if ('text' in passing && passing.text !== undefined) listing.texts.set(entry.path, passing.text);
  }
  function record(change: Change): void {
    contentDigest.add(change);
    listing.add(change);
  }
}

const SECOND = 1_000_000_000n;

/** Whole seconds, as docker's daemon writes them: a fraction would cost every file a second header and two more blocks. */
function dated(entry: TreeEntry, latestNs: bigint | undefined): TreeEntry {
  const time = latestNs === undefined || entry.mtimeNs <= latestNs ? entry.mtimeNs : latestNs;
  const fraction = ((time % SECOND) + SECOND) % SECOND;
  return fraction === 0n && time === entry.mtimeNs ? entry : { ...entry, mtimeNs: time - fraction };
}

const NOTHING = Buffer.alloc(0);

/** Hashes a file's bytes as they go by, and keeps them too when the file is one of the few whose text is wanted. */
export class PassingBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #kept: Uint8Array[] | undefined;
  /** Most files are one chunk, for which the one call that takes it whole costs a third of a hash that is fed. */
  #first: Uint8Array | undefined;
  #digester: Digester | undefined;
  /** Bytes that have passed. */
  size = 0;

  constructor(source: AsyncIterable<Uint8Array>, keep: boolean) {
    this.#source = source;
    this.#kept = keep ? [] : undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#source) {
      this.#measure(chunk);
      this.#kept?.push(chunk);
      yield chunk;
    }
  }

  #measure(chunk: Uint8Array): void {
    this.size += chunk.length;
    if (this.#digester !== undefined) this.#digester.update(chunk);
    else if (this.#first === undefined) this.#first = chunk;
    else {
      this.#digester = new Digester();
      this.#digester.update(this.#first);
      this.#digester.update(chunk);
      this.#first = undefined;
    }
  }

  finish(): Digest {
    return this.#digester?.finish() ?? `sha256:${hash('sha256', this.#first ?? NOTHING, 'hex')}`;
  }

  get text(): string | undefined {
    return this.#kept === undefined ? undefined : Buffer.concat(this.#kept).toString('utf8');
  }
}
