import { createCipheriv } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RunResult } from '../../../src/lib/run.ts';
import { Checksums } from '../../../src/stores/buckets/checksums.ts';
import type { TestServer } from '../../wire/server.ts';

export type Client = 'gsutil' | 'gcloud';

/** Of one part of the way: so much has passed when it is broken. */
const SHARE = 0.25;
const LOOK_MS = 10;

const COPY: Record<Client, string[]> = {
  gsutil: ['gsutil', '-o', 'Boto:num_retries=8', '-o', 'Boto:max_retry_delay=2', 'cp'],
  // one stream, so that there is one session to go on with; beyond 150 MiB gcloud would cut the file in four
  gcloud: ['gcloud', 'storage', 'cp'],
};

/** A file, and what Cloud Storage has to say of it. */
export interface Payload {
  path: string;
  size: number;
  md5: string;
  crc32c: string;
}

/** Bytes that no client compresses, made without holding them. */
export async function writePayload(path: string, megabytes: number): Promise<Payload> {
  const zeros = Buffer.alloc(1 << 20);
  async function* blocks() {
    for (let i = 0; i < megabytes; i++) yield zeros;
  }
  const sums = new Checksums();
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, megabytes % 251), Buffer.alloc(16));
  await pipeline(blocks, cipher, (source) => sums.through(source), createWriteStream(path));
  return { path, size: sums.size, md5: sums.md5, crc32c: sums.crc32c };
}

/** One port for all lives of a server, so that its clients find it again. */
export async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** Who is killed: a client, which is then begun again, or the server, which is started again under the client that runs. */
export type Killed = 'client' | 'server';

/** A file up and down by one client, each broken in its middle by each kind of kill. */
export async function copyThroughInterruptions(
  server: TestServer,
  client: Client,
  payload: Payload,
  kills: readonly Killed[],
): Promise<void> {
  const bucket = `${client}-broken`;
  await server.clientOk('gcloud', ['storage', 'buckets', 'create', `gs://${bucket}`]);
  const env = {
    CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_ENABLED: 'false',
    CLOUDSDK_STORAGE_SLICED_OBJECT_DOWNLOAD_THRESHOLD: '0',
    CLOUDSDK_STORAGE_MAX_RETRY_DELAY: '2',
  };
  const [program = '', ...copy] = COPY[client];
  const run = (from: string, to: string, signal?: AbortSignal) =>
    server.client(program, [...copy, from, to], { env, timeout: 600_000, ...(signal === undefined ? {} : { signal }) });
  const uploads = join(server.data, 'content/bucket-uploads');
  const arrived = () => bytesBelow(uploads, /\.part$/);

  for (const object of kills) {
    const to = `gs://${bucket}/${object}.bin`;
    const sessions = await countOf(uploads, /\.json$/);
    if (object === 'client') {
      await killed((signal) => run(payload.path, to, signal), arrived, payload.size);
      const { code, stderr } = await run(payload.path, to);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
    } else await outlived(() => run(payload.path, to), arrived, payload.size, server);
    // whoever began anew would have made another session
    expect(await countOf(uploads, /\.json$/), `sessions of ${to}`).toBe(sessions + 1);
    expect(await server.get(`/storage/v1/b/${bucket}/o/${object}.bin`)).toMatchObject({
      size: String(payload.size),
      md5Hash: payload.md5,
      crc32c: payload.crc32c,
    });
    const folder = join(server.folder, `${client}-${object}`);
    await mkdir(folder);
    const target = join(folder, 'down.bin');
    const there = () => bytesBelow(folder, /./);
    if (object === 'client') {
      await killed((signal) => run(to, target, signal), there, payload.size);
      expect((await run(to, target)).code).toBe(0);
    } else await outlived(() => run(to, target), there, payload.size, server);
    const sums = new Checksums();
    for await (const chunk of createReadStream(target)) sums.update(chunk as Buffer);
    expect([sums.size, sums.md5]).toEqual([payload.size, payload.md5]);
    await rm(folder, { recursive: true });
  }
}

/** Kills the client once a share has passed. */
async function killed(
  start: (signal: AbortSignal) => Promise<RunResult>,
  passed: () => Promise<number>,
  size: number,
): Promise<void> {
  const end = new AbortController();
  const before = await passed();
  const running = start(end.signal);
  const over = running.then(
    ({ stderr }) => expect.fail(`it was through before it could be killed: ${stderr}`),
    () => 'killed' as const,
  );
  while ((await passed()) - before < size * SHARE) await Promise.race([over, sleep(LOOK_MS)]);
  end.abort();
  expect(await over).toBe('killed');
}

/** Kills the server once a share has passed, and starts it again; the client has to come to its end. */
async function outlived(
  start: () => Promise<RunResult>,
  passed: () => Promise<number>,
  size: number,
  server: TestServer,
): Promise<void> {
  const before = await passed();
  let done = false;
  const running = start().finally(() => {
    done = true;
  });
  while ((await passed()) - before < size * SHARE) {
    if (done) expect.fail(`it was through before the server could be killed: ${(await running).stderr}`);
    await sleep(LOOK_MS);
  }
  await server.kill();
  await server.restart();
  const { code, stderr } = await running;
  expect([code, stderr.slice(-2000)]).toEqual([0, expect.any(String)]);
}

async function bytesBelow(folder: string, name: RegExp): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.filter((one) => name.test(one)).map((one) => stat(join(folder, one)).catch(() => undefined));
  // allocated, because clients give a file its whole length before its first byte
  return (await Promise.all(sizes)).reduce((sum, info) => sum + (info === undefined ? 0 : info.blocks * 512), 0);
}

async function countOf(folder: string, name: RegExp): Promise<number> {
  return (await readdir(folder).catch(() => [])).filter((one) => name.test(one)).length;
}
