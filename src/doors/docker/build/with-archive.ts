import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImageBuildRequest } from '../../../engine/request.ts';
import { beginsAsArchive } from '../../../engine/sources/is-archive.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../../lib/disk-problem.ts';
import { Problem } from '../../../lib/problem.ts';
import { DockerError } from '../errors.ts';

/** A Dockerfile that came alone; docker's own limit is the same. */
const DOCKERFILE_LIMIT = 2 << 20;

/**
 * A context that comes as one stream, for the time of `work`: an archive, packed or not, which goes to a file first so that
 * nothing of it waits in memory. What is no archive is a Dockerfile.
 * @param scratch where the file lies
 * @throws Problem `cancelled` when the stream breaks off
 */
export async function withArchive<T>(
  bytes: AsyncIterable<Uint8Array>,
  dockerfile: string,
  scratch: string,
  signal: AbortSignal,
  work: (context: Pick<ImageBuildRequest, 'context' | 'dockerfile'>) => Promise<T>,
): Promise<T> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, 'context-'));
  try {
    const path = join(folder, 'body');
    const { head, size } = await save(bytes, path, scratch, signal);
    if (size === 0) throw new DockerError(400, 'the request has no context: an archive is expected as its body');
    if (beginsAsArchive(head)) return await work({ context: { kind: 'tar', path }, dockerfile: { path: dockerfile } });
    if (size > DOCKERFILE_LIMIT || head.includes(0))
      throw new Problem('invalid', 'the context is neither an archive nor a Dockerfile');
    const text = await readFile(path, 'utf8');
    return await work({ context: { kind: 'empty' }, dockerfile: { text, name: 'Dockerfile' } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What tells a tar from everything else stands in its first block. */
const BLOCK = 512;

async function save(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  scratch: string,
  signal: AbortSignal,
): Promise<{ head: Buffer; size: number }> {
  const space = new SpaceGuard(scratch, RESERVE_BYTES);
  let head = Buffer.alloc(0);
  let size = 0;
  const guarded = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      if (head.length < BLOCK) head = Buffer.concat([head, chunk.subarray(0, BLOCK - head.length)]);
      size += chunk.length;
      await space.take(chunk.length);
      yield chunk;
    }
  };
  try {
    await pipeline(bytes, guarded, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    if (signal.aborted) throw new Problem('cancelled', 'the client went away', { cause: error });
    throw diskProblem(error, scratch);
  }
  return { head, size };
}
