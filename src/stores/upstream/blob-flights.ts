import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../images/digest.ts';
import { cancelled } from '../../lib/cancelled.ts';
import { diskProblem, RESERVE_BYTES, requireSpace } from '../../lib/disk-problem.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { BlobInfo, ByteRange, ContentStore } from '../content/content.ts';
import { GrowingFile } from '../content/growing-file.ts';
import type { RegistryStore } from '../registry/registry.ts';
import type { RemoteImage } from './remote-image.ts';
import { upstreamProblem } from './upstream-problem.ts';

/** Blobs fetched at once from one upstream: more connections gain nothing, and manifests need some, too. */
const PARALLEL = 8;

/** One doer at a time for all processes of a machine. */
export interface FetchLocks {
  acquire(key: string, holder: string): Promise<void>;
  release(key: string, holder: string): Promise<void>;
}

export interface BlobFlightParts {
  content: ContentStore;
  registry: Pick<RegistryStore, 'linkBlob' | 'hasBlob'>;
  locks?: FetchLocks | undefined;
}

/** A blob on its way here. */
interface Flight {
  /** Images that will have it. */
  keys: Set<string>;
  /** When bytes can be read: the file that grows, or nothing when the blob is stored already. */
  opened: Promise<GrowingFile | undefined>;
  /** When it is stored, recorded and linked. */
  ended: Promise<void>;
}

/**
 * Blobs that come from upstream: each one once, however many wait for it, and all of them read while it is being stored.
 * Nobody's going away ends a fetch: who was cut comes back for it. A connection that breaks is taken up where it broke; a
 * failure for good cuts every reader and leaves nothing. An image has a blob only when its bytes came for it: a digest in
 * a manifest of anybody's opens nothing that lies here for others.
 */
export class BlobFlights {
  readonly #parts: BlobFlightParts;
  readonly #flying = new Map<string, Flight>();
  readonly #room = new Map<string, Semaphore>();
  readonly #ending = new AbortController();
  #holders = 0;

  constructor(parts: BlobFlightParts) {
    this.#parts = parts;
  }

  /** @throws Problem of the upstream, before the first byte; `cancelled` when the server ends */
  async open(image: RemoteImage, blob: BlobInfo, range?: ByteRange): Promise<Readable> {
    const flight = this.#join(image, blob);
    const file = await flight.opened;
    try {
      if (file !== undefined) return await file.reader(range);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      await flight.ended; // it has just come to its end
    }
    return this.#parts.content.open(blob.digest, range);
  }

  /** Resolves when it is here. */
  async bring(image: RemoteImage, blob: BlobInfo): Promise<void> {
    await this.#join(image, blob).ended;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled([...this.#flying.values()].map((flight) => flight.ended));
  }

  #join(image: RemoteImage, blob: BlobInfo): Flight {
    const id = flightKey(image, blob.digest);
    const flying = this.#flying.get(id);
    if (flying !== undefined) {
      flying.keys.add(image.key);
      return flying;
    }
    const keys = new Set([image.key]);
    let ended = Promise.resolve();
    const opened = new Promise<GrowingFile | undefined>((resolve, reject) => {
      ended = this.#run(image, blob, keys, resolve).finally(() => this.#flying.delete(id));
      ended.catch(reject);
    });
    opened.catch(() => undefined); // `bring` waits for the end alone
    const flight = { keys, opened, ended };
    this.#flying.set(id, flight);
    return flight;
  }

  async #run(
    image: RemoteImage,
    blob: BlobInfo,
    keys: Set<string>,
    opened: (file: GrowingFile | undefined) => void,
  ): Promise<void> {
    const { content, registry, locks } = this.#parts;
    const room = this.#room.get(image.upstream.url) ?? new Semaphore(PARALLEL);
    this.#room.set(image.upstream.url, room);
    await room.with(async () => {
      if (this.#ending.signal.aborted) throw cancelled();
      const holder = `${process.pid}-${++this.#holders}`;
      await locks?.acquire(flightKey(image, blob.digest), holder);
      try {
        // another process may have brought it meanwhile
        if ((await registry.hasBlob(image.key, blob.digest)) && (await content.stat(blob.digest)) !== undefined)
          await this.#link(keys, blob);
        else await this.#fetch(image, blob, keys, opened);
        opened(undefined);
      } finally {
        await locks?.release(flightKey(image, blob.digest), holder);
      }
    });
  }

  async #fetch(
    image: RemoteImage,
    blob: BlobInfo,
    keys: Set<string>,
    opened: (file: GrowingFile) => void,
  ): Promise<void> {
    const { content } = this.#parts;
    const path = await content.scratch();
    await requireSpace(dirname(path), blob.size, RESERVE_BYTES);
    const file = await GrowingFile.create(path, blob.size);
    try {
      for await (const chunk of upstreamBlob(image, blob, this.#ending.signal)) {
        await file.append(chunk);
        opened(file); // from the first bytes on: what fails before them is an answer of its own
      }
      await file.close();
      await content.adopt(path, blob);
      await this.#link(keys, blob);
      file.complete();
    } catch (error) {
      const problem = diskProblem(error, dirname(path));
      await file.fail(problem);
      throw problem;
    }
  }

  /** Those that join while this goes on are linked, too: a Set gives what was added under way. */
  async #link(keys: Set<string>, { digest }: BlobInfo): Promise<void> {
    for (const key of keys) await this.#parts.registry.linkBlob(key, digest, 'upstream');
  }
}

/** It ends without an error only if size and digest are right. @throws Problem as `upstreamProblem` */
async function* upstreamBlob(image: RemoteImage, blob: BlobInfo, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { client, upstream, name } = image;
  try {
    const descriptor = { ...blob, mediaType: 'application/octet-stream' };
    yield* await client.blob(upstream.host, name, descriptor, { signal });
  } catch (error) {
    throw upstreamProblem(error, image);
  }
}

/** By repository and not by upstream: another repository may have another account there, and see less. */
function flightKey({ prefix }: RemoteImage, digest: Digest): string {
  return `upstream blob ${prefix} ${digest}`;
}
