import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isRemoteContext } from '../../../engine/options/context.ts';
import type { ImageBuildRequest } from '../../../engine/request.ts';
import { beginsAsArchive } from '../../../engine/sources/is-archive.ts';
import { diskProblem, RESERVE_BYTES, SpaceGuard } from '../../../lib/disk-problem.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';

/** A Dockerfile that came alone; docker's own limit is the same. */
const DOCKERFILE_LIMIT = 2 << 20;

type Context = Pick<ImageBuildRequest, 'context' | 'dockerfile'>;

/**
 * The context of a classic build, for the time of `work`: an address, or the archive that is the request's body (packed or
 * not), which goes to a file first so that nothing of it waits in memory. A body that is no archive is a Dockerfile.
 */
export async function withRequestContext<T>(
  call: DockerCall,
  { remote, dockerfile }: { remote: string; dockerfile: string },
  work: (context: Context) => Promise<T>,
): Promise<T> {
  if (remote !== '') {
    if (!isRemoteContext(remote))
      throw new DockerError(400, `remote: ${remote} is no address of a repository or archive`);
    return await work({ context: { kind: 'url', url: remote }, dockerfile: { path: dockerfile } });
  }
  await mkdir(call.house.folder, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(call.house.folder, 'context-'));
  try {
    const archive = join(folder, 'body');
    const { head, size } = await save(call, archive);
    if (size === 0) throw new DockerError(400, 'the request has no context: an archive is expected as its body');
    if (beginsAsArchive(head))
      return await work({ context: { kind: 'tar', path: archive }, dockerfile: { path: dockerfile } });
    if (size > DOCKERFILE_LIMIT || head.includes(0))
      throw new Problem('invalid', 'the context is neither an archive nor a Dockerfile');
    const text = await readFile(archive, 'utf8');
    return await work({ context: { kind: 'empty' }, dockerfile: { text, name: 'Dockerfile' } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What tells a tar from everything else stands in its first block. */
const BLOCK = 512;

async function save({ request, house, signal }: DockerCall, path: string): Promise<{ head: Buffer; size: number }> {
  const space = new SpaceGuard(house.folder, RESERVE_BYTES);
  let head = Buffer.alloc(0);
  let size = 0;
  const guarded = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      if (head.length < BLOCK) head = Buffer.concat([head, chunk.subarray(0, BLOCK - head.length)]);
      size += chunk.length;
      await space.take(chunk.length);
      yield chunk;
    }
  };
  try {
    await pipeline(request, guarded, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    if (signal.aborted || request.destroyed) throw new Problem('cancelled', 'the client went away', { cause: error });
    throw diskProblem(error, house.folder);
  }
  return { head, size };
}
