import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/lib/run.ts';
import { TestServer } from './server.ts';

/** The step copies what it finds into a bucket: no container, so that any machine can look. */
const CONFIG = JSON.stringify({
  steps: [{ name: 'gcr.io/cloud-builders/gsutil', args: ['cp', 'a/line.txt', 'gs://demo-out/line.txt'] }],
});
/** Of a file that is cut into pieces. */
const LONG_BYTES = 12 << 20;

describe('slipway submit sends what the server does not have', () => {
  let server: TestServer;
  let source: string;
  let config: string;
  beforeAll(async () => {
    server = await TestServer.start();
    source = await server.source('source', { 'a/line.txt': 'one\n' });
    for (let i = 0; i < 150; i++) await writeFile(join(source, `a/f${i}`), `${i}\n`.repeat(200));
    await writeFile(join(source, 'long'), randomBytes(LONG_BYTES));
    config = join(server.folder, 'cloudbuild.json');
    await writeFile(config, CONFIG);
    const headers = { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'demo-out' });
    await fetch(`${server.url}/storage/v1/b?project=demo`, { method: 'POST', headers, body });
  });
  afterAll(() => server?.close());

  const submit = async (env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<RunResult & { sent: number }> => {
    const result = await server.cli(['submit', source, '--config', config, ...flags], { env });
    const [, amount, unit = ''] = /^Uploaded ([\d.]+) (\w+) of/m.exec(result.stderr) ?? [];
    return { ...result, sent: Number(amount) * ({ B: 1, kB: 1e3, MB: 1e6 }[unit] ?? Number.NaN) };
  };
  const line = async () => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    return (await fetch(`${server.url}/download/storage/v1/b/demo-out/o/line.txt?alt=media`, { headers })).text();
  };

  it('all of it first, then a changed line alone; the build has the whole folder', async () => {
    const first = await submit();
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('of 152 files')]);
    expect(first.sent).toBeGreaterThan(LONG_BYTES);
    expect(first.stdout).toContain('Operation completed over 152 objects/');
    expect(await line()).toBe('one\n');
    await sleep(100);
    await appendFile(join(source, 'a/line.txt'), 'two\n');
    const second = await submit();
    expect(second.code).toBe(0);
    expect(second.sent).toBeLessThan(50_000);
    expect(await line()).toBe('one\ntwo\n');
  });

  it('goes on after a server that was killed in its middle, and leaves nothing half', async () => {
    await writeFile(join(source, 'more'), randomBytes(40 << 20));
    const ended = submit({ XDG_CACHE_HOME: join(server.folder, 'other-cache') });
    const ingest = join(server.data, 'content/ingest');
    while ((await readdir(ingest).catch(() => [])).length === 0) await sleep(5);
    await server.kill();
    expect((await ended).code).not.toBe(0);
    await server.restart();
    const again = await submit();
    expect(again.code).toBe(0);
    expect((await server.cli(['doctor'])).stdout).toContain('every digest is right');
  });

  it('works from elsewhere with a token of the project, compressed, and not with one of another project', async () => {
    const token = async (project: string) => {
      const file = join(server.folder, `token-${project}`);
      await writeFile(file, await server.ok('token', 'create', '--role', 'writer', '--project', project));
      return file;
    };
    const id = (await submit({}, '--async', '--region', 'global')).stdout.trim();
    // as gcloud puts it when no region is named
    expect(await server.ok('builds', 'list')).toContain(id);
    expect(JSON.parse(await server.ok('builds', 'describe', id))).toMatchObject({ id });
    await mkdir(join(source, 'text'));
    await writeFile(join(source, 'text/words'), 'the same words again '.repeat(20_000));
    const elsewhere = {
      SLIPWAY_URL: server.url.replace('127.0.0.1', '0.0.0.0'),
      SLIPWAY_DATA: join(server.folder, 'no'),
    };
    const good = await submit({ ...elsewhere, SLIPWAY_TOKEN_FILE: await token('demo') });
    expect([good.code, good.stderr]).toEqual([0, expect.any(String)]);
    expect(good.sent).toBeLessThan(60_000);
    const bad = await submit({ ...elsewhere, SLIPWAY_TOKEN_FILE: await token('p2') });
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('project demo')]);
    // its own project has to be sent everything anew, whoever else has it
    const own = await submit({ ...elsewhere, SLIPWAY_TOKEN_FILE: await token('p2') }, '--project', 'p2', '--async');
    expect(own.sent).toBeGreaterThan(LONG_BYTES);
    expect(await readFile(join(source, 'a/line.txt'), 'utf8')).toBe('one\ntwo\n');
  });
});
