import { mkdir, open } from 'node:fs/promises';
import { type Digest, type DigestAlgorithm, type Digester, digestAlgorithm } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { diskProblem, RESERVE_BYTES, requireSpace, SpaceGuard } from '../../lib/disk-problem.ts';
import { Problem } from '../../lib/problem.ts';
import type { BlobInfo, ContentWriter } from '../../stores/content/content.ts';
import { MeasuredFile } from '../../stores/content/measured-file.ts';
import type { AppendOptions, UploadInfo, UploadSessions } from '../../stores/content/uploads.ts';
import { UploadFiles, type UploadRecord } from './upload-files.ts';

/** A day: a laptop that was closed in the evening goes on in the morning. */
export const UPLOAD_IDLE_MS = 24 * 60 * 60 * 1000;

export interface DiskUploadsOptions {
  /** DATA/content/uploads, on the file system of the content store. */
  folder: string;
  content: ContentWriter;
  clock?: Clock;
  /** Milliseconds from any moment on, which nobody sets forwards or back. */
  elapsed?: () => number;
  /** Stays free when uploads are refused. */
  reserveBytes?: number;
}

/**
 * Sessions that are held in memory, with the hash of their bytes; of any others, the files say everything. A client that
 * begins uploads and leaves them costs nothing but two small files each.
 */
const REMEMBERED = 4096;

interface Session {
  record: UploadRecord;
  /** Of all bytes in the file; absent after a restart and after anything went wrong. */
  digester: Digester | undefined;
  /** The request that writes, until it has ended one way or the other. */
  busy: Promise<unknown> | undefined;
  /** That request was cut off, and what it brought is on its way to the disk: whoever goes on waits for it. */
  settling: boolean;
  /** By `elapsed`. */
  touchedAt: number;
}

/** Upload sessions as files. One process has them: the owner, which also has the doors. */
export class DiskUploads implements UploadSessions {
  readonly #folder: string;
  readonly #files: UploadFiles;
  readonly #content: ContentWriter;
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  readonly #reserve: number;
  /** In the order of their last use. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: DiskUploadsOptions) {
    this.#folder = options.folder;
    this.#files = new UploadFiles(options.folder);
    this.#content = options.content;
    this.#clock = options.clock ?? systemClock;
    this.#elapsed = options.elapsed ?? (() => performance.now());
    this.#reserve = options.reserveBytes ?? RESERVE_BYTES;
  }

  async start(owner: string, algorithm: DigestAlgorithm = 'sha256'): Promise<UploadInfo> {
    const record = { owner, algorithm };
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await requireSpace(this.#folder, 0, this.#reserve);
      const id = await this.#files.create(record);
      this.#remember(id, this.#found(record));
      return { id, owner, size: 0 };
    } catch (error) {
      throw diskProblem(error, this.#folder);
    }
  }

  async find(id: string): Promise<UploadInfo | undefined> {
    const session = await this.#session(id);
    while (session?.settling) await session.busy;
    return session === undefined ? undefined : this.#info(id, session);
  }

  async #info(id: string, { record }: Session): Promise<UploadInfo> {
    return { id, owner: record.owner, size: await this.#files.size(id) };
  }

  async #session(id: string): Promise<Session | undefined> {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const record = await this.#files.record(id); // of a server before this one, or forgotten
    if (record === undefined) return undefined;
    const found = this.#sessions.get(id) ?? this.#found(record);
    this.#remember(id, found);
    return found;
  }

  #found(record: UploadRecord): Session {
    return { record, digester: undefined, busy: undefined, settling: false, touchedAt: this.#elapsed() };
  }

  #remember(id: string, session: Session): void {
    session.touchedAt = this.#elapsed();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size <= REMEMBERED) return;
    for (const [oldest, { busy }] of this.#sessions)
      if (busy === undefined) {
        this.#sessions.delete(oldest);
        return;
      }
  }

  /** Runs `work` alone on a session. */
  async #alone<T>(id: string, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#session(id);
    if (session === undefined) throw new Problem('not-found', `there is no upload ${id}`);
    while (session.settling) await session.busy;
    if (session.busy !== undefined) throw new Problem('conflict', `another request is writing to upload ${id}`);
    const working = work(session);
    session.busy = working.catch(() => undefined);
    try {
      return await working;
    } catch (error) {
      throw diskProblem(error, this.#folder);
    } finally {
      session.busy = undefined;
      session.settling = false;
      if (this.#sessions.has(id)) this.#remember(id, session);
    }
  }

  append(id: string, source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<UploadInfo> {
    return this.#alone(id, async (session) => {
      const size = await this.#files.size(id);
      if (options.at !== size)
        throw new Problem('conflict', `bytes for offset ${options.at} came, but upload ${id} is at ${size}`);
      if (options.size !== undefined) await requireSpace(this.#folder, options.size, this.#reserve);
      const digester = session.digester ?? (await this.#files.measure(id, session.record.algorithm));
      session.digester = undefined; // until it is known to agree with the file again
      const handle = await open(this.#files.path(id), 'r+');
      const writer = new MeasuredFile(handle, digester);
      try {
        await receive(source, options, writer, new SpaceGuard(this.#folder, this.#reserve));
        session.digester = digester;
      } catch (error) {
        // a client that was cut off goes on from what it sees here; bytes that are wrong or found no room go
        if (error instanceof CutOff) {
          session.settling = true;
          await writer.flush();
          session.digester = digester;
          throw error.cause;
        }
        await writer.settle();
        await this.#files.truncate(id, size);
        throw error;
      } finally {
        await handle.close();
      }
      return this.#info(id, session);
    });
  }

  finish(id: string, expected: Digest): Promise<BlobInfo> {
    return this.#alone(id, async (session) => {
      const algorithm = digestAlgorithm(expected);
      const kept = session.digester?.algorithm === algorithm ? session.digester : undefined;
      const digester = kept ?? (await this.#files.measure(id, algorithm));
      session.digester = undefined;
      const { size } = digester;
      const digest = digester.finish();
      if (digest !== expected) {
        await this.#remove(id); // its bytes can't become right
        throw new Problem('invalid', `the upload has digest ${digest} in place of the expected ${expected}`);
      }
      const info = await this.#content.adopt(this.#files.path(id), { digest, size });
      await this.#remove(id);
      return info;
    });
  }

  async cancel(id: string): Promise<boolean> {
    if ((await this.#session(id)) === undefined) return false;
    await this.#alone(id, () => this.#remove(id));
    return true;
  }

  /**
   * Cancels sessions that nobody has written to for `UPLOAD_IDLE_MS`; called at start and now and then. Of those that this
   * server has seen, the time is measured and not read off a clock, which may be set. @returns how many
   */
  async expire(): Promise<number> {
    const now = this.#clock.now();
    let ended = 0;
    for (const [id, touchedAt] of await this.#files.touched()) {
      const session = this.#sessions.get(id);
      if (session?.busy !== undefined) continue;
      const idle = session === undefined ? now - touchedAt : this.#elapsed() - session.touchedAt;
      if (idle >= UPLOAD_IDLE_MS) {
        await this.#remove(id);
        ended++;
      } else if (idle < 0) await this.#session(id); // a date in the future is none: it is seen from now on
    }
    return ended;
  }

  async #remove(id: string): Promise<void> {
    this.#sessions.delete(id);
    await this.#files.remove(id);
  }
}

/** The source broke off; what had come until then is good. */
class CutOff extends Error {}

async function receive(
  source: AsyncIterable<Uint8Array>,
  { size }: AppendOptions,
  writer: MeasuredFile,
  room: SpaceGuard,
): Promise<void> {
  let came = 0;
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw new CutOff('the source broke off', { cause: error });
      });
      if (next.done) break;
      came += next.value.length;
      if (size !== undefined && came > size) throw new Problem('invalid', `more than the announced ${size} bytes came`);
      await room.take(next.value.length);
      await writer.write(next.value);
    }
  } finally {
    await chunks.return?.();
  }
  if (size !== undefined && came !== size)
    throw new Problem('invalid', `${came} bytes came in place of the announced ${size}`);
  await writer.flush();
}
