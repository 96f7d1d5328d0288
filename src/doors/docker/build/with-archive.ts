import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImageBuildRequest } from '../../../engine/request.ts';
import { beginsAsArchive } from '../../../engine/sources/is-archive.ts';
import { unpackTar } from '../../../engine/sources/unpack-archive.ts';
import { decompress } from '../../../images/decompress.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../../lib/disk-problem.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerHouse } from '../call.ts';
import { DockerError } from '../errors.ts';
import type { Mirrors } from '../session/mirrors.ts';
import { sessionsOf } from '../session/sessions.ts';

/** A Dockerfile that came alone; docker's own limit is the same. */
const DOCKERFILE_LIMIT = 2 << 20;

export interface ArchiveRoom {
  /** Where the archive lies while it is needed. */
  scratch: string;
  /** Where its files stay for the next build that sends the very same. */
  mirrors: Mirrors;
}

export function archiveRoom(house: Pick<DockerHouse, 'folder' | 'keptFolder' | 'events'>): ArchiveRoom {
  return { scratch: house.folder, mirrors: sessionsOf(house).mirrors };
}

type Context = Pick<ImageBuildRequest, 'context' | 'dockerfile'>;

/**
 * A context that comes as one stream, for the time of `work`: an archive, packed or not, which goes to a file first so that
 * nothing of it waits in memory, and is then unpacked unless the same bytes came before. What is no archive is a Dockerfile.
 * @param dockerfile its path in the archive
 * @throws Problem `cancelled` when the stream breaks off, `invalid` for an archive that is none to the end
 */
export async function withArchive<T>(
  bytes: AsyncIterable<Uint8Array>,
  dockerfile: string,
  { scratch, mirrors }: ArchiveRoom,
  signal: AbortSignal,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const body = new Body(scratch);
  try {
    const { head, size, digest } = await receive(bytes, body, signal);
    if (size === 0) throw new DockerError(400, 'the request has no context: an archive is expected as its body');
    if (!beginsAsArchive(head)) {
      if (size > DOCKERFILE_LIMIT || head.includes(0))
        throw new Problem('invalid', 'the context is neither an archive nor a Dockerfile');
      const text = await body.text();
      return await work({ context: { kind: 'empty' }, dockerfile: { text, name: 'Dockerfile' } });
    }
    const { tree, states, filled, release } = await mirrors.lease(`archive ${digest}`);
    let whole = filled;
    try {
      if (!filled) await unpackTar(decompress(body.read()), tree, signal);
      whole = true;
      await body.remove();
      return await work({ context: { kind: 'folder', path: tree, states }, dockerfile: { path: dockerfile } });
    } finally {
      await release(whole ? size : undefined);
    }
  } finally {
    await body.remove();
  }
}

/** What tells a tar from everything else stands in its first block. */
const BLOCK = 512;

async function receive(
  bytes: AsyncIterable<Uint8Array>,
  body: Body,
  signal: AbortSignal,
): Promise<{ head: Buffer; size: number; digest: string }> {
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let size = 0;
  const measured = async function* () {
    for await (const chunk of bytes) {
      if (head.length < BLOCK) head = Buffer.concat([head, chunk.subarray(0, BLOCK - head.length)]);
      size += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  };
  try {
    const kept = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) await body.add(chunk);
      await body.end();
    };
    await pipeline(measured(), kept, { signal });
  } catch (error) {
    if (signal.aborted) throw new Problem('cancelled', 'the client went away', { cause: error });
    throw diskProblem(error, body.scratch);
  }
  return { head, size, digest: hash.digest('hex') };
}

/** A context of a small project is not worth a file: most builds send the one that they sent before. */
const IN_MEMORY = 1 << 20;

interface OpenFile {
  folder: string;
  handle: FileHandle | undefined;
  space: SpaceGuard;
}

/** The bytes of one request for as long as they are needed: in memory while they are few, then in a file. */
class Body {
  readonly scratch: string;
  #few: Uint8Array[] = [];
  #bytes = 0;
  #opening: Promise<OpenFile> | undefined;
  #file: OpenFile | undefined;

  constructor(scratch: string) {
    this.scratch = scratch;
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.length;
    this.#few.push(chunk);
    if (this.#bytes <= IN_MEMORY) return;
    this.#opening ??= this.#open();
    this.#file ??= await this.#opening;
    for (const bytes of this.#few.splice(0)) {
      await this.#file.space.take(bytes.length);
      await this.#file.handle?.writeFile(bytes);
    }
  }

  /** All of it was added. */
  async end(): Promise<void> {
    const handle = this.#file?.handle;
    if (this.#file !== undefined) this.#file.handle = undefined;
    await handle?.close();
  }

  read(): Readable {
    return this.#file === undefined ? Readable.from(this.#few) : createReadStream(pathIn(this.#file.folder));
  }

  async text(): Promise<string> {
    return this.#file === undefined
      ? Buffer.concat(this.#few).toString('utf8')
      : await readFile(pathIn(this.#file.folder), 'utf8');
  }

  async remove(): Promise<void> {
    this.#few = [];
    // a client that goes away doesn't wait until its file is open
    this.#file ??= await this.#opening?.catch(() => undefined);
    await this.end();
    if (this.#file !== undefined) await rm(this.#file.folder, { recursive: true, force: true });
  }

  async #open(): Promise<OpenFile> {
    await mkdir(this.scratch, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(this.scratch, 'context-'));
    const space = new SpaceGuard(this.scratch, RESERVE_BYTES);
    return { folder, handle: await open(pathIn(folder), 'wx', 0o600), space };
  }
}

function pathIn(folder: string): string {
  return join(folder, 'body');
}
