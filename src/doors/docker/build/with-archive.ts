import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
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
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, 'context-'));
  const path = join(folder, 'body');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const { head, size, digest } = await save(bytes, path, scratch, signal);
    if (size === 0) throw new DockerError(400, 'the request has no context: an archive is expected as its body');
    if (!beginsAsArchive(head)) {
      if (size > DOCKERFILE_LIMIT || head.includes(0))
        throw new Problem('invalid', 'the context is neither an archive nor a Dockerfile');
      const text = await readFile(path, 'utf8');
      return await work({ context: { kind: 'empty' }, dockerfile: { text, name: 'Dockerfile' } });
    }
    const { tree, states, filled, release } = await mirrors.lease(`archive ${digest}`);
    let whole = filled;
    try {
      if (!filled) await unpackTar(decompress(createReadStream(path)), tree, signal);
      whole = true;
      await remove();
      return await work({ context: { kind: 'folder', path: tree, states }, dockerfile: { path: dockerfile } });
    } finally {
      await release(whole ? size : undefined);
    }
  } finally {
    await remove();
  }
}

/** What tells a tar from everything else stands in its first block. */
const BLOCK = 512;

async function save(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  scratch: string,
  signal: AbortSignal,
): Promise<{ head: Buffer; size: number; digest: string }> {
  const space = new SpaceGuard(scratch, RESERVE_BYTES);
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let size = 0;
  const guarded = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      if (head.length < BLOCK) head = Buffer.concat([head, chunk.subarray(0, BLOCK - head.length)]);
      size += chunk.length;
      hash.update(chunk);
      await space.take(chunk.length);
      yield chunk;
    }
  };
  try {
    await pipeline(bytes, guarded, createWriteStream(path, { mode: 0o600, highWaterMark: 1 << 20 }), { signal });
  } catch (error) {
    if (signal.aborted) throw new Problem('cancelled', 'the client went away', { cause: error });
    throw diskProblem(error, scratch);
  }
  return { head, size, digest: hash.digest('hex') };
}
