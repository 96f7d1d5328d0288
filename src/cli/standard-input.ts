import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContextSource, ImageBuildRequest } from '../engine/request.ts';
import { beginsAsArchive } from '../engine/sources/is-archive.ts';
import { throwIfCancelled } from '../lib/cancelled.ts';
import { createDataFolder, type DataFolder } from '../lib/data-folder.ts';
import { diskProblem } from '../lib/disk-problem.ts';
import { Problem } from '../lib/problem.ts';
import { markIsAlive, processMark } from '../lib/process-mark.ts';

/** What `slipway build -` was given. */
export interface StandardInput {
  context: ContextSource;
  /** Absent for an archive, in which it lies. */
  dockerfile?: ImageBuildRequest['dockerfile'] | undefined;
}

/** Bytes that tell an archive; a Dockerfile that is longer than the second is a mistake. */
const HEAD = 512;
const DOCKERFILE_LIMIT = 4 << 20;

/** Of the archive's file, behind the mark of the process that reads it. */
const ENDING = '.context.tar';

/**
 * Reads standard input: a Dockerfile alone, or an archive with the context, which lies in a file of the data folder, where
 * the server finds it, as long as the work goes on.
 * @throws Problem `invalid`, `exhausted`, `cancelled`
 */
export async function withStandardInput<T>(
  stream: AsyncIterable<Uint8Array>,
  data: DataFolder,
  signal: AbortSignal,
  work: (input: StandardInput) => Promise<T>,
): Promise<T> {
  const chunks = stream[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let size = 0;
  const more = async (): Promise<Uint8Array | undefined> => {
    throwIfCancelled(signal);
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  };
  const take = async (limit: number) => {
    for (let chunk: Uint8Array | undefined; size < limit; ) {
      chunk = await more();
      if (chunk === undefined) return;
      head.push(chunk);
      size += chunk.length;
    }
  };
  await take(HEAD);
  if (!beginsAsArchive(Buffer.concat(head))) {
    await take(DOCKERFILE_LIMIT);
    if (size >= DOCKERFILE_LIMIT)
      throw new Problem('invalid', 'standard input is no archive, and too long for a Dockerfile');
    const text = Buffer.concat(head).toString('utf8');
    return await work({ context: { kind: 'empty' }, dockerfile: { text, name: 'Dockerfile' } });
  }
  await createDataFolder(data);
  await mkdir(data.builds, { recursive: true, mode: 0o700 });
  const path = join(data.builds, `${await processMark()}-${randomBytes(4).toString('hex')}${ENDING}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for (const chunk of head.splice(0)) await file.appendFile(chunk);
      for (let chunk = await more(); chunk !== undefined; chunk = await more()) await file.appendFile(chunk);
    } catch (error) {
      throw diskProblem(error, data.root);
    } finally {
      await file.close();
    }
    return await work({ context: { kind: 'tar', path } });
  } finally {
    await rm(path, { force: true });
  }
}

/** Removes the archives of processes that were killed. @returns how many */
export async function sweepStandardInputs(builds: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(builds)) {
    if (!name.endsWith(ENDING) || (await markIsAlive(name))) continue;
    await rm(join(builds, name), { force: true });
    removed++;
  }
  return removed;
}
