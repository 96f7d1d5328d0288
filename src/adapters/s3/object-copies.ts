import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type Digest, Digester, digestAlgorithm } from '../../images/digest.ts';
import { diskProblem, requireSpace } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import { GrowingFile } from '../../stores/content/growing-file.ts';
import type { IncomingFiles } from '../disk/incoming-files.ts';
import type { CopyUse, ObjectCache } from './object-cache.ts';
import type { ObjectBytes } from './object-stream.ts';

export interface ObjectCopiesParts {
  /** DATA/content. */
  folder: string;
  incoming: IncomingFiles;
  cache: ObjectCache;
  reserveBytes: number;
  /** The whole of an object. @throws Problem `not-found` */
  fetch(blob: BlobInfo): Promise<ObjectBytes>;
  /** Told of an object that holds other bytes than its name says. */
  damaged(digest: Digest): void;
}

/** An object on its way here. */
interface Flight {
  /** Who asks for the path needs the copy to stay for a while. */
  use: CopyUse;
  /** When bytes can be read. */
  opened: Promise<GrowingFile>;
  /** When the copy is whole and kept. */
  ended: Promise<void>;
}

/**
 * Objects on their way into copies: each one once, however many read it, and all of them at their own pace while it comes. The
 * last byte is given out when everything has been measured, so that nobody who counts bytes takes a damaged blob for a
 * whole one. A reader that goes away ends nothing: the next one is glad of the copy.
 */
export class ObjectCopies {
  readonly #parts: ObjectCopiesParts;
  readonly #flying = new Map<Digest, Flight>();
  #closed = false;
  readonly #closing = new Set<() => void>();

  constructor(parts: ObjectCopiesParts) {
    this.#parts = parts;
  }

  /** The bytes while they come; undefined when the disk has no room for a copy, or when it is there by now. */
  async open(blob: BlobInfo): Promise<Readable | undefined> {
    try {
      return await (await this.#join(blob).opened).reader();
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT') || (error instanceof Problem && error.code === 'exhausted')) return undefined;
      throw error;
    }
  }

  /** Resolves when there is a copy, whose path is then asked for. */
  async bring(blob: BlobInfo): Promise<void> {
    const flight = this.#join(blob);
    flight.use = 'path';
    await flight.ended;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const close of this.#closing) close();
    await Promise.allSettled([...this.#flying.values()].map((flight) => flight.ended));
  }

  #join(blob: BlobInfo): Flight {
    const flying = this.#flying.get(blob.digest);
    if (flying !== undefined) return flying;
    let open: (file: GrowingFile) => void = () => undefined;
    let fail: (error: unknown) => void = () => undefined;
    const opened = new Promise<GrowingFile>((resolve, reject) => {
      open = resolve;
      fail = reject;
    });
    const flight: Flight = { use: 'later', opened, ended: Promise.resolve() };
    flight.ended = this.#run(blob, flight, open).finally(() => this.#flying.delete(blob.digest));
    flight.ended.catch(fail);
    opened.catch(() => undefined); // whoever waits for the end alone hears of it there
    this.#flying.set(blob.digest, flight);
    return flight;
  }

  async #run(blob: BlobInfo, flight: Flight, opened: (file: GrowingFile) => void): Promise<void> {
    const { folder, incoming, cache, reserveBytes, fetch } = this.#parts;
    if (this.#closed) throw new Problem('unavailable', 'the content store is being closed');
    await requireSpace(folder, blob.size, reserveBytes);
    const path = await incoming.scratch();
    const object = blob.size === 0 ? NOTHING : await fetch(blob);
    this.#closing.add(object.close);
    try {
      const file = await GrowingFile.create(path, blob.size);
      try {
        opened(file);
        await this.#receive(blob, object, file);
        await file.close();
        file.complete();
        await incoming.seal(path, blob.size);
        await cache.place(path, blob, flight.use);
      } catch (error) {
        const problem = diskProblem(error, folder);
        await file.fail(problem);
        throw problem;
      }
    } finally {
      this.#closing.delete(object.close);
      object.close();
      await rm(path, { force: true });
    }
  }

  async #receive(blob: BlobInfo, object: ObjectBytes, file: GrowingFile): Promise<void> {
    const digester = new Digester(digestAlgorithm(blob.digest));
    for await (const chunk of object.bytes) {
      digester.update(chunk);
      await file.append(chunk);
    }
    if (digester.size === blob.size && digester.finish() === blob.digest) return;
    this.#parts.damaged(blob.digest);
    throw otherBytes(blob.digest);
  }
}

export function otherBytes(digest: Digest): Problem {
  return new Problem('failed', `the object of blob ${digest} holds other bytes`, {
    hint: 'Push or pull the image again: the blob counts as absent now, and is taken anew.',
  });
}

const NOTHING: ObjectBytes = { bytes: (async function* () {})(), close: () => undefined };
