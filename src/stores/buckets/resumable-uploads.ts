import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Digester } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { diskProblem, RESERVE_BYTES, requireSpace, SpaceGuard } from '../../lib/disk-problem.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { MeasuredFile } from '../content/measured-file.ts';
import type { BucketManager, BucketObject, PutOptions } from './buckets.ts';
import { Checksums } from './checksums.ts';
import { requireObjectName } from './valid-names.ts';

/** Cloud Storage keeps a session for one week. */
const SESSION_MS = 7 * 24 * 60 * 60 * 1000;

export interface UploadTarget {
  bucket: string;
  name: string;
  options: Omit<PutOptions, 'signal'>;
  /** Of the whole object, where the client said so at the beginning. */
  size?: number | undefined;
}

export interface UploadStatus {
  /** Bytes that are on disk; the client goes on behind them. */
  received: number;
  /** There once the last byte has come. */
  object?: BucketObject | undefined;
}

export interface UploadChunk {
  /** Where in the object its first byte belongs. */
  start: number;
  /** Of the whole object, once it is known. */
  total?: number | undefined;
  bytes: AsyncIterable<Uint8Array>;
}

/** What is on disk beside the bytes. */
interface Session {
  target: UploadTarget;
  received: number;
  touchedAt: number;
  object?: BucketObject | undefined;
}

/** Hashes can't be stored half-way; after a restart they are taken again from the file. */
interface Measures {
  digester: Digester;
  sums: Checksums;
}

/**
 * Uploads in several requests, as Cloud Storage's resumable protocol has them. What was acknowledged is on disk and survives
 * a restart of the server; bytes are measured as they come, so the end of a large upload moves none. A finished session
 * answers for a week with its object, because the client may have missed the first answer.
 */
export class ResumableUploads {
  readonly #folder: string;
  readonly #buckets: BucketManager;
  readonly #clock: Clock;
  readonly #measures = new Map<string, Measures>();
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param folder on the content store's file system, and this object's alone */
  constructor(folder: string, buckets: BucketManager, clock: Clock = systemClock) {
    this.#folder = folder;
    this.#buckets = buckets;
    this.#clock = clock;
  }

  /** @returns the session's id, which is all that a client needs to go on @throws Problem `invalid`, `exhausted` */
  async begin(target: UploadTarget): Promise<string> {
    requireObjectName(target.name);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await requireSpace(this.#folder, target.size ?? 0, RESERVE_BYTES);
    const id = randomBytes(24).toString('hex');
    await this.#record(id, { target, received: 0, touchedAt: this.#clock.now() });
    return id;
  }

  /** Undefined when there is no such session. */
  status(id: string): Promise<UploadStatus | undefined> {
    return this.#inTurn(id, () => this.#session(id));
  }

  /**
   * Takes the bytes behind those that are there; what came before is skipped, and a chunk that begins later is not read.
   * When the client goes away in its middle, what came is kept.
   * @returns undefined when there is no such session
   * @throws Problem `invalid` (too many bytes, wrong checksum), `conflict` (precondition): both end the session;
   *   `exhausted` on a full disk
   */
  receive(id: string, chunk: UploadChunk): Promise<UploadStatus | undefined> {
    return this.#inTurn(id, async () => {
      const session = await this.#session(id);
      if (session === undefined || session.object !== undefined || chunk.start > session.received) return session;
      const total = chunk.total ?? session.target.size;
      const failure = await this.#append(id, session, chunk, total);
      if (failure !== undefined) {
        if (failure.error instanceof Problem && failure.error.code === 'invalid') await this.#drop(id);
        throw failure.error;
      }
      if (session.received === total) await this.#finish(id, session);
      return session;
    });
  }

  /** Ends a session and drops its bytes. @returns false when there was none */
  cancel(id: string): Promise<boolean> {
    return this.#inTurn(id, async () => {
      if ((await this.#session(id)) === undefined) return false;
      await this.#drop(id);
      return true;
    });
  }

  /** Drops sessions that nobody touched for a week; called at start and once a day. */
  async sweep(): Promise<void> {
    const files = await readdir(this.#folder).catch((error: unknown) => {
      if (hasErrorCode(error, 'ENOENT')) return [];
      throw error;
    });
    for (const id of new Set(files.map((file) => file.split('.', 1)[0] as string))) {
      await this.#inTurn(id, async () => {
        const session = await this.#session(id);
        if (session === undefined || this.#clock.now() - session.touchedAt > SESSION_MS) await this.#drop(id);
      });
    }
  }

  /** @returns the source's error, after what came before it was stored */
  async #append(
    id: string,
    session: Session,
    chunk: UploadChunk,
    total: number | undefined,
  ): Promise<{ error: unknown } | undefined> {
    const measures = await this.#measuresOf(id, session);
    const handle = await open(this.#part(id), 'r+');
    const writer = new MeasuredFile(handle, measures.digester, total);
    const room = new SpaceGuard(this.#folder, RESERVE_BYTES);
    let failure: { error: unknown } | undefined;
    try {
      let skip = session.received - chunk.start;
      for await (const bytes of chunk.bytes) {
        const fresh = bytes.subarray(Math.min(skip, bytes.length));
        skip -= bytes.length - fresh.length;
        if (total !== undefined && measures.sums.size + fresh.length > total)
          throw new Problem('invalid', `more bytes came than the ${total} that the object was to have`);
        await room.take(fresh.length);
        measures.sums.update(fresh);
        await writer.write(fresh);
      }
    } catch (error) {
      failure = { error };
    }
    try {
      await writer.flush();
      await handle.datasync();
    } catch (error) {
      this.#measures.delete(id); // they ran ahead of the file
      throw diskProblem(error, this.#folder);
    } finally {
      await writer.settle();
      await handle.close();
    }
    session.received = measures.sums.size;
    session.touchedAt = this.#clock.now();
    await this.#record(id, session);
    return failure;
  }

  async #finish(id: string, session: Session): Promise<void> {
    const { digester, sums } = await this.#measuresOf(id, session);
    const { bucket, name, options } = session.target;
    const bytes = { size: sums.size, digest: digester.finish(), crc32c: sums.crc32c, md5: sums.md5 };
    this.#measures.delete(id);
    try {
      session.object = await this.#buckets.adopt(bucket, name, this.#part(id), bytes, options);
    } catch (error) {
      if (error instanceof Problem && ['invalid', 'conflict', 'not-found'].includes(error.code)) await this.#drop(id);
      throw error;
    }
    await this.#record(id, session);
  }

  async #measuresOf(id: string, session: Session): Promise<Measures> {
    const known = this.#measures.get(id);
    if (known !== undefined) return known;
    const measures = { digester: new Digester(), sums: new Checksums() };
    await (await open(this.#part(id), 'a', 0o600)).close();
    // bytes behind those that were acknowledged may never have reached the disk
    await truncate(this.#part(id), session.received);
    for await (const block of createReadStream(this.#part(id), { highWaterMark: 1 << 20 })) {
      measures.digester.update(block as Buffer);
      measures.sums.update(block as Buffer);
    }
    if (measures.sums.size !== session.received) throw new Error(`${this.#part(id)} lost bytes that were acknowledged`);
    this.#measures.set(id, measures);
    return measures;
  }

  async #session(id: string): Promise<Session | undefined> {
    if (!/^[0-9a-f]{48}$/.test(id)) return undefined;
    try {
      return JSON.parse(await readFile(this.#note(id), 'utf8')) as Session;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  #record(id: string, session: Session): Promise<void> {
    return writeDurably(this.#note(id), JSON.stringify(session), 0o600);
  }

  async #drop(id: string): Promise<void> {
    this.#measures.delete(id);
    await rm(this.#note(id), { force: true });
    await rm(this.#part(id), { force: true });
  }

  /** One request at a time: a client that retries may come while its first request is still being given up. */
  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(id) === mine) this.#turns.delete(id);
    }
  }

  #note(id: string): string {
    return join(this.#folder, `${id}.json`);
  }

  #part(id: string): string {
    return join(this.#folder, `${id}.part`);
  }
}
