import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DigestAlgorithm, Digester } from '../../images/digest.ts';
import { hasErrorCode } from '../../lib/problem.ts';

export interface UploadRecord {
  owner: string;
  algorithm: DigestAlgorithm;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Two files per session, `<id>` with the bytes and `<id>.json` with whose they are. Neither is flushed: after a power cut
 * a client begins again, as it does after any lost session; the blob is flushed when the session ends.
 */
export class UploadFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(id: string): string {
    return join(this.#folder, id);
  }

  async create(record: UploadRecord): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const id = randomUUID();
    try {
      await writeFile(this.path(id), '', { flag: 'wx', mode: 0o600 });
      await writeFile(`${this.path(id)}.json`, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      await this.remove(id);
      throw error;
    }
    return id;
  }

  /** Undefined when there is no such session; the id comes from a URL and may be anything. */
  async record(id: string): Promise<UploadRecord | undefined> {
    if (!ID.test(id)) return undefined;
    try {
      return JSON.parse(await readFile(`${this.path(id)}.json`, 'utf8')) as UploadRecord;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined; // the latter: a power cut
      throw error;
    }
  }

  async size(id: string): Promise<number> {
    return (await stat(this.path(id))).size;
  }

  async truncate(id: string, size: number): Promise<void> {
    await truncate(this.path(id), size);
  }

  /** Hashes what has arrived, so that the hash can go on from there. */
  async measure(id: string, algorithm: DigestAlgorithm): Promise<Digester> {
    const digester = new Digester(algorithm);
    for await (const chunk of createReadStream(this.path(id), { highWaterMark: 1 << 20 })) digester.update(chunk);
    return digester;
  }

  async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
    await rm(`${this.path(id)}.json`, { force: true });
  }

  /** Sessions, and halves of sessions, each with the time of its last byte (milliseconds since 1970). */
  async touched(): Promise<Map<string, number>> {
    const names = await readdir(this.#folder).catch((): string[] => []);
    const present = new Set(names);
    const touched = new Map<string, number>();
    for (const id of new Set(names.map((name) => name.replace(/\.json$/, '')))) {
      const file = await stat(join(this.#folder, present.has(id) ? id : `${id}.json`)).catch(() => undefined);
      if (file !== undefined) touched.set(id, file.mtimeMs);
    }
    return touched;
  }
}
