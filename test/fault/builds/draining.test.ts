import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from '../main-job/traces.ts';
import { BuildApi } from './api.ts';

const why = await missingForBuilds();
const sleeping = (seconds: number) => ({
  steps: [{ name: 'busybox', args: ['sh', '-c', `echo begun; sleep ${seconds}; echo ended`] }],
});

describe.skipIf(why !== '')(`a server that is told to end while builds run${why}`, () => {
  let server: TestServer;
  let api: BuildApi;
  beforeEach(async () => {
    server = await TestServer.start({
      config: await mirrorConfig('builds:\n  concurrency: 1\n  drainSeconds: 120\n'),
    });
    api = new BuildApi(server, 'drain');
  });
  afterEach(async () => {
    await server?.kill();
    await server?.close();
  });

  const working = async (seconds: number) => {
    const id = await api.submit(sleeping(seconds));
    await expect.poll(() => api.log(id), { timeout: 60_000 }).toContain('begun');
    return id;
  };

  it('lets them end, takes no more, and goes on with what waits at its next start', async () => {
    const id = await working(6);
    const waiting = await api.submit(sleeping(0));
    process.kill(server.pid, 'SIGTERM');
    await expect.poll(() => server.ok('status'), { timeout: 20_000 }).toContain('1 running, 1 waiting; draining');
    const late = await api.submit(sleeping(0));
    // another signal would stop them
    await expect.poll(() => isAlive(server.pid), { timeout: 60_000 }).toBe(false);
    expect(await readFile(join(server.data, 'logs', `${id}.txt`), 'utf8')).toMatch(/ended\n[\s\S]*DONE\n$/);
    await server.restart();
    expect((await api.build(id)).status).toBe('SUCCESS');
    for (const next of [waiting, late]) expect((await api.ended(next)).status).toBe('SUCCESS');
  });

  it('stops them at the second signal, and keeps what waits over kill -9', async () => {
    const id = await working(3600);
    const waiting = await api.submit(sleeping(3600));
    process.kill(server.pid, 'SIGTERM');
    await expect.poll(() => server.log(), { timeout: 20_000 }).toContain('waiting 120 s at most for 1 running build');
    expect(await server.stop()).toBe(0);
    expect(await traces(server)).toEqual([]);
    await server.restart();
    expect(await api.build(id)).toMatchObject({
      status: 'INTERNAL_ERROR',
      statusDetail: expect.stringContaining('the server was shut down'),
    });
    await expect.poll(() => api.log(waiting), { timeout: 60_000 }).toContain('begun');
    const last = await api.submit(sleeping(0));
    await server.kill();
    await server.restart();
    expect((await api.build(waiting)).status).toBe('INTERNAL_ERROR');
    expect((await api.ended(last)).status).toBe('SUCCESS');
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH
  }
}
