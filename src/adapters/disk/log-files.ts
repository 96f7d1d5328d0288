import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { LogInfo, LogStore, LogWriter } from '../../stores/logs/logs.ts';
import { LogFileWriter } from './log-file-writer.ts';

/** Read from the end of a file at a time, to find its last newline; nearly every line is shorter. */
const TAIL_BYTES = 4096;
/** The most that `follow` hands over at once. */
const CHUNK_BYTES = 1 << 18;
/** Inotify tells of most changes at once; this is for file systems where it doesn't, and for logs not yet begun. */
const POLL_MS = 250;

/** Build logs as files of one folder. Any number of processes may use the folder; one writes each log. */
export class LogFiles implements LogStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  writer(id: string): LogWriter {
    if (!isLogId(id)) throw new Problem('invalid', `not a build id: ${JSON.stringify(id.slice(0, 100))}`);
    return new LogFileWriter(this.#text(id), this.#mark(id));
  }

  async info(id: string): Promise<LogInfo | undefined> {
    return isLogId(id) ? this.#open(id, (handle) => this.#infoOf(id, handle)) : undefined;
  }

  async read(id: string, start: number, end: number): Promise<Buffer> {
    const bytes = await this.#open(id, async (handle) => {
      const { readable } = await this.#infoOf(id, handle);
      return readFully(handle, start, Math.min(end, readable));
    });
    return bytes ?? Buffer.alloc(0);
  }

  async *follow(id: string, start: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const changes = new Changes(this.#text(id), signal);
    let position = start;
    let seen = false;
    try {
      while (!signal?.aborted) {
        changes.listen();
        const info = await this.info(id);
        if (info === undefined && seen) return;
        seen ||= info !== undefined;
        while (info !== undefined && position < info.readable && !signal?.aborted) {
          const chunk = wholeLines(await this.read(id, position, Math.min(info.readable, position + CHUNK_BYTES)));
          if (chunk.length === 0) return; // removed in between
          position += chunk.length;
          yield chunk;
        }
        if (info?.closed) return;
        await changes.next();
      }
    } finally {
      changes.close();
    }
  }

  async remove(id: string): Promise<void> {
    if (!isLogId(id)) return;
    await rm(this.#text(id), { force: true });
    await rm(this.#mark(id), { force: true });
    await syncFolder(this.#folder);
  }

  async #open<T>(id: string, use: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
    if (!isLogId(id)) return undefined;
    let handle: FileHandle;
    try {
      handle = await open(this.#text(id), 'r');
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  }

  /** The mark is looked for before the size: what is closed when we look has its last byte when we measure. */
  async #infoOf(id: string, handle: FileHandle): Promise<LogInfo> {
    const closed = await exists(this.#mark(id));
    const { size, mtimeMs, birthtimeMs } = await handle.stat();
    return {
      readable: closed ? size : await endOfLines(handle, size),
      closed,
      createdAt: Math.floor(birthtimeMs || mtimeMs),
      updatedAt: Math.floor(mtimeMs),
    };
  }

  #text(id: string): string {
    return join(this.#folder, `${id}.txt`);
  }

  #mark(id: string): string {
    return join(this.#folder, `${id}.done`);
  }
}

/** Wakes a follower when its file changes, when the poll interval is over, or on abort. */
class Changes {
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: () => void = () => undefined;

  constructor(path: string, signal: AbortSignal | undefined) {
    this.#path = path;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#notice, { once: true });
  }

  readonly #notice = (): void => {
    this.#changed = true;
    this.#wake();
  };

  /** From here on no change is missed. A file that isn't there yet is only polled for. */
  listen(): void {
    this.#changed = false;
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, this.#notice);
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      this.#watcher = undefined; // no such file yet, or no inotify watch left: the poll finds it
    }
  }

  async next(): Promise<void> {
    if (this.#changed || this.#signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  close(): void {
    this.#unwatch();
    this.#signal?.removeEventListener('abort', this.#notice);
  }
}

/** Ids become file names; Cloud Build's are UUIDs. */
function isLogId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(id);
}

/** Up to the last newline; a single line that is longer than a chunk comes in pieces. */
function wholeLines(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(0x0a);
  return end < 0 ? bytes : bytes.subarray(0, end + 1);
}

/** Where the last whole line ends, searched backwards in growing steps. */
async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  let end = size;
  for (let step = TAIL_BYTES; end > 0; step *= 4) {
    const start = Math.max(0, end - step);
    const newline = (await readFully(handle, start, end)).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

async function readFully(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  if (end <= start) return Buffer.alloc(0);
  const bytes = Buffer.allocUnsafe(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
