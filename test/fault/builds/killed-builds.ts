import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from '../main-job/traces.ts';
import { BuildApi } from './api.ts';
import { HeldRegistry } from './held-registry.ts';
import type { Phase } from './phases.ts';

const why = await missingForBuilds();
const PATIENCE_MS = 60_000;

/** The process of a build is killed in each of these phases; the server lives on. */
export function killedBuilds(phases: readonly Phase[]): void {
  describe.skipIf(why !== '')(`a build whose process is killed${why}`, () => {
    let server: TestServer;
    let registry: HeldRegistry;
    beforeAll(async () => {
      registry = await HeldRegistry.start();
      const config = `registries:\n  mirrors:\n    docker.io: ["http://${registry.host}"]\nbuilds:\n  warmProcesses: 0\n  drainSeconds: 0\n`;
      server = await TestServer.start({ config });
      await new BuildApi(server, 'bucket').upload(import.meta.filename);
      const headers = { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/json' };
      for (const [i] of phases.entries())
        await fetch(`${server.url}/storage/v1/b?project=killed-${i}`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ name: `killed-artifacts-${i}` }),
        });
    });
    afterAll(async () => {
      registry?.release();
      await server?.close();
      await registry?.stop();
    });

    it.each(phases.map((phase, i): [string, Phase, number] => [phase.name, phase, i]))('in %s', async (_, phase, i) => {
      // a process serves one project alone, so that every phase has its own
      const api = new BuildApi(server, `killed-${i}`);
      const field = { server, registry, api };
      const request = JSON.parse(
        JSON.stringify(await phase.request(field)).replaceAll('killed-artifacts', `killed-artifacts-${i}`),
      );
      const before = new Set(await server.processes());
      const id = await api.submit(request);
      const worker = await newProcess(server, before);
      for (const until = Date.now() + PATIENCE_MS; !(await phase.reached(id, field)); await sleep(2))
        if (Date.now() > until) throw new Error(`never there:\n${await api.log(id)}`);
      const token = tokenOf(server, id);
      process.kill(worker, 'SIGKILL');

      const { ends = ['INTERNAL_ERROR'] } = phase;
      const build = await api.ended(id);
      expect(ends, await api.log(id)).toContain(build.status);
      expect(build.steps.map(({ status }) => status)).not.toContain('WORKING');
      if (build.status === 'INTERNAL_ERROR') {
        const detail =
          "the build's process ended too early: the worker process ended (signal SIGKILL) in the middle of its work";
        expect(build).toMatchObject({
          statusDetail: detail,
          failureInfo: { type: 'FAILURE_TYPE_UNSPECIFIED', detail },
        });
        expect(build.finishTime).toBeDefined();
        expect(await api.log(id)).toContain(`ERROR: ${detail}\n`);
      }
      registry.release();
      await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
      if (token !== undefined)
        expect((await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);

      const again = await api.ended(await api.retry(id));
      expect(again.status, await api.log(again.id)).toBe('SUCCESS');
      await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
    });
  });
}

/** The one that has come since. */
async function newProcess(server: TestServer, before: ReadonlySet<number>): Promise<number> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(2)) {
    const come = (await server.processes()).find((pid) => !before.has(pid));
    if (come !== undefined) return come;
  }
  throw new Error('no process was started for the build');
}

/** The build's own token, as its steps have it; undefined before they could. */
function tokenOf(server: TestServer, id: string): string | undefined {
  const file = join(server.data, 'builds', id, 'home/.docker/config.json');
  if (!existsSync(file)) return undefined;
  const { auths } = JSON.parse(readFileSync(file, 'utf8')) as { auths: Record<string, { auth: string }> };
  return Buffer.from(Object.values(auths)[0]?.auth ?? '', 'base64')
    .toString()
    .split(':')[1];
}
