import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsync, write } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Descriptor } from '../../images/descriptor.ts';
import { digestOf } from '../../images/digest.ts';
import { blobPath, LAYOUT_VERSION } from '../../images/image-layout.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import {
  lstatBelowIfThere,
  makeFoldersBelow,
  openBelow,
  placeBelow,
  readFileBelow,
  streamBelow,
} from '../../kernel/rooted.ts';
import { SystemCallError } from '../../kernel/system-call-error.ts';
import { Problem } from '../../lib/problem.ts';

const flush = promisify(fsync);
const writeSome = promisify(write);

const SMALL_LIMIT = 4 << 20;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * A cache as a folder in OCI image-layout (image-layout.md), for `type=local`. The folder may lie in a workspace, so every
 * path is resolved below it: links in it lead nowhere else.
 */
export class CacheFolder {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** @throws Problem `not-found` when nothing was exported here, `invalid` */
  async manifest(): Promise<ImageManifest> {
    const index = parseManifest(await this.#small('index.json'), MEDIA.ociIndex);
    const first = index.kind === 'index' ? index.value.manifests[0] : undefined;
    if (first === undefined) throw new Problem('invalid', `${this.#root}/index.json names no manifest`);
    const manifest = parseManifest(await this.read(first, SMALL_LIMIT), first.mediaType);
    if (manifest.kind !== 'image') throw new Problem('invalid', `${this.#root}: an index lies where a cache should be`);
    return manifest.value;
  }

  /** @throws Problem `not-found`, `invalid` when the bytes are others */
  async read(blob: Descriptor, limit: number): Promise<Buffer> {
    const bytes = await this.#small(blobPath(blob.digest), limit);
    if (digestOf(bytes) === blob.digest) return bytes;
    throw new Problem('invalid', `${this.#root}: ${blobPath(blob.digest)} has been changed`);
  }

  has(blob: Descriptor): boolean {
    return lstatBelowIfThere(this.#root, blobPath(blob.digest))?.size === BigInt(blob.size);
  }

  open(blob: Descriptor): AsyncIterable<Uint8Array> {
    return streamBelow(this.#root, blobPath(blob.digest));
  }

  /** Writes what is not there yet, the index last: a reader sees the old cache or the new one. */
  async write(
    manifest: Buffer,
    blobs: readonly Descriptor[],
    open: (blob: Descriptor) => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<void> {
    await makeFoldersBelow(this.#root, 'blobs/sha256', {
      mode: 0o755,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
    });
    for (const blob of blobs) if (!this.has(blob)) await this.#put(blobPath(blob.digest), await open(blob));
    const descriptor = { mediaType: MEDIA.ociManifest, digest: digestOf(manifest), size: manifest.length };
    await this.#put(blobPath(descriptor.digest), [manifest]);
    await this.#put('oci-layout', [Buffer.from(JSON.stringify(LAYOUT_VERSION))]);
    const index: ImageIndex = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [descriptor] };
    await this.#put('index.json', [Buffer.from(JSON.stringify(index))]);
  }

  async #put(path: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const passing = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    const fd = openBelow(this.#root, passing, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    try {
      try {
        for await (const chunk of bytes) await writeAll(fd, chunk);
        await flush(fd);
      } finally {
        closeSync(fd);
      }
      await placeBelow(this.#root, passing, (from) => placeBelow(this.#root, path, (to) => rename(from, to)));
    } catch (error) {
      await placeBelow(this.#root, passing, (from) => rm(from, { force: true }));
      throw error;
    }
  }

  async #small(path: string, limit = SMALL_LIMIT): Promise<Buffer> {
    try {
      return await readFileBelow(this.#root, path, limit);
    } catch (error) {
      if (!(error instanceof SystemCallError && ['ENOENT', 'ENOTDIR'].includes(error.code))) throw error;
      throw new Problem('not-found', `there is no cache in ${this.#root}: it has no ${path}`, { cause: error });
    }
  }
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await writeSome(fd, bytes, at)).bytesWritten;
}
