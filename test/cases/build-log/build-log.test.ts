import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfigFile } from '../../../src/builds/request/config-file.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { NOTHING_LEFT, openBench } from './build-bench.ts';

/**
 * Every folder beside this file is a build: `build.yaml` is run over a small source and its log must read as
 * `expected-log.txt`. Ids, times and digests, which differ from run to run, are written as words there.
 */
const folder = import.meta.dirname;
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** The source, packed as gcloud packs it. */
async function uploadSource(ignored: boolean): Promise<{ bucket: string; object: string }> {
  const tar = pack();
  if (ignored) tar.entry({ name: '.gcloudignore' }, 'venv/\n**/Dockerfile\n');
  else tar.entry({ name: 'Dockerfile' }, 'FROM busybox\n');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  await bench.buckets.createBucket({ name: 'p1_cloudbuild', project: 'p1', location: 'EU' });
  async function* bytes() {
    yield gzipSync(Buffer.concat(chunks));
  }
  await bench.buckets.put('p1_cloudbuild', 'source/1.tgz', bytes());
  return { bucket: 'p1_cloudbuild', object: 'source/1.tgz' };
}

function withoutAccidents(log: string): string {
  return log
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'BUILD_ID')
    .replace(/sha256:[0-9a-f]{64}/g, 'sha256:DIGEST')
    .replace(/#\d{13,}/g, '#GENERATION')
    .replace(/[\d.]+ (Ki)?B/g, (size) => size.replace(/[\d.]+/, 'N'))
    .replace(/ +N /g, ' N ');
}

describe('the log of a build', () => {
  it.each(cases)('%s', async (name) => {
    const { request } = parseConfigFile(readFileSync(join(folder, name, 'build.yaml'), 'utf8'), 'build.yaml');
    const storageSource = await uploadSource(name === 'a-dockerfile-that-was-ignored');
    const build = await bench.submit({ ...request, source: { storageSource } });
    const ended = await runBuild(build, bench.deps, new AbortController().signal);
    const log = `${withoutAccidents((await bench.logOf(build.id)) ?? '')}`;
    const path = join(folder, name, 'expected-log.txt');
    if (!existsSync(path) || process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, log);
    expect(log).toBe(readFileSync(path, 'utf8'));
    expect(ended?.status).toBe(statusOf(log));
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
    expect((await bench.logs.info(build.id))?.closed).toBe(true);
  });
});

/** The phase word that closes the log says how the build ended. */
function statusOf(log: string): string {
  const word = /^(DONE|ERROR|TIMEOUT|CANCELLED)$/m.exec(log)?.[1] ?? '';
  return { DONE: 'SUCCESS', ERROR: 'FAILURE' }[word] ?? word;
}
