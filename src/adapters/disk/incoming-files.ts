import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, statfsSync, writeSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Digester, digestAlgorithm } from '../../images/digest.ts';
import { abortable } from '../../lib/abortable.ts';
import { requireSpace, SpaceGuard } from '../../lib/disk-problem.ts';
import { syncFile } from '../../lib/durable-file.ts';
import { Problem } from '../../lib/problem.ts';
import { processMark } from '../../lib/process-mark.ts';
import type { BlobInfo, IngestOptions } from '../../stores/content/content.ts';
import { MeasuredFile } from '../../stores/content/measured-file.ts';

/** Names of files under way begin with it, so that start-up knows whose they are. */
const ownMark = processMark();
/** Tells threads of a process apart; random numbers for every file would take longer than writing it. */
const OWN = randomBytes(6).toString('hex');
let made = 0;

/** Bytes on their way in: files of their own below `content/ingest/`, measured as they pass and flushed. */
export class IncomingFiles {
  readonly #folder: string;
  readonly #reserve: number;

  /**
   * @param folder DATA/content
   * @param reserve bytes that stay free when blobs are refused
   */
  constructor(folder: string, reserve: number) {
    this.#folder = folder;
    this.#reserve = reserve;
  }

  /** A name for a new file. */
  async scratch(): Promise<string> {
    const folder = join(this.#folder, 'ingest');
    if (!existsSync(folder)) await mkdir(folder, { recursive: true, mode: 0o700 });
    return join(folder, `${await ownMark}-${OWN}-${++made}`);
  }

  /**
   * Writes a stream to a new file that is on disk when this resolves; the file is the caller's, also after an error.
   * @throws Problem `invalid` when digest or size are not as expected, `exhausted`, `cancelled`
   */
  async receive(file: string, source: AsyncIterable<Uint8Array>, options: IngestOptions): Promise<BlobInfo> {
    const { expected, size, signal } = options;
    const digester = new Digester(expected === undefined ? options.algorithm : digestAlgorithm(expected));
    const handle = await open(file, 'wx', 0o444);
    const writer = new MeasuredFile(handle, digester, size);
    const room = size === undefined ? new SpaceGuard(this.#folder, this.#reserve) : undefined;
    try {
      let came = 0;
      for await (const chunk of abortable(source, signal)) {
        came += chunk.length;
        await room?.take(chunk.length);
        if (size !== undefined && came > size)
          throw new Problem('invalid', `more than the expected ${size} bytes came`);
        await writer.write(chunk);
      }
      if (size !== undefined && came !== size)
        throw new Problem('invalid', `${came} bytes came in place of the expected ${size}`);
      await writer.flush();
      const digest = digester.finish();
      if (expected !== undefined && digest !== expected)
        throw new Problem('invalid', `the bytes have digest ${digest} in place of the expected ${expected}`);
      if (signal?.aborted) throw cancelled();
      await handle.sync();
      return { digest, size: came };
    } finally {
      await writer.settle();
      await handle.close();
    }
  }

  /**
   * As `receive`, for a few bytes in hand, such as a manifest: what doesn't wait for the disk takes less time than the turns
   * of the thread pool that it would cost.
   */
  async write(file: string, bytes: Uint8Array): Promise<void> {
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < bytes.length + this.#reserve) await requireSpace(this.#folder, bytes.length, this.#reserve);
    const descriptor = openSync(file, 'wx', 0o444);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
      await syncFile(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Makes a file that somebody else wrote one that nobody writes to any more, and flushes it. */
  async seal(file: string, size: number): Promise<void> {
    const handle = await open(file, 'r');
    try {
      const found = await handle.stat();
      if (found.size !== size) throw new Error(`${file} has ${found.size} bytes, but was measured as ${size}`);
      await handle.chmod(0o444);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

export function cancelled(cause?: unknown): Problem {
  return new Problem('cancelled', 'storing a blob was cancelled', { cause });
}
