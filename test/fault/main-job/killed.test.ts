import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';
import { traces } from './traces.ts';

const REPOSITORY = 'europe-central2-docker.pkg.dev/demo/killed';
const why = await missingForBuilds();

const yaml = (lines: string): Record<string, string> => ({ 'cloudbuild.yaml': `steps:\n${lines}` });
const SLEEP_IN_RUN = {
  ...yaml("- name: gcr.io/cloud-builders/docker\n  args: [build, '--tag=half', .]\n"),
  Dockerfile: 'FROM busybox\nRUN echo begun > /before && (setsid sleep 3600 & sleep 3600)\n',
};
const SLEEP_IN_STEP = yaml(
  "- name: busybox\n  args: [sh, -c, 'echo the step has begun; setsid sleep 3600 & sleep 3600']\n",
);

/** What ends a build before its time: kill -9, a signal to the server, the person who cancels. */
describe.skipIf(why !== '')(`a build that is ended in its middle${why}`, () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start({ config: await mirrorConfig('builds:\n  drainSeconds: 0\n') });
  });
  afterEach(() => server?.close());

  const submit = async (name: string, files: Record<string, string>) => {
    const folder = await server.source(name, files);
    return server.submitAsync(folder, '--config', join(folder, 'cloudbuild.yaml'));
  };
  /** A RUN in one build and a container step in another, both sleeping. */
  const twoAtWork = async (): Promise<string[]> => {
    const ids = [await submit('run', SLEEP_IN_RUN), await submit('step', SLEEP_IN_STEP)];
    const sleeping = async () => (await traces(server)).filter((trace) => / sleep 3600$/.test(trace)).length;
    await expect.poll(sleeping, { timeout: 60_000, interval: 200 }).toBe(4);
    return ids;
  };

  it('leaves nothing after kill -9 and a restart, and no acknowledged tag is lost', async () => {
    const pushed = await server.source('pushed', {
      ...yaml(
        `- name: gcr.io/cloud-builders/docker\n  args: [build, '--tag=${REPOSITORY}/api:1', .]\nimages: ['${REPOSITORY}/api:1']\n`,
      ),
      Dockerfile: 'FROM busybox\nRUN echo kept > /kept\n',
    });
    const { build } = await server.submit(pushed, '--config', join(pushed, 'cloudbuild.yaml'));
    const digest = build.results?.images?.[0]?.digest;
    const ids = await twoAtWork();
    expect((await traces(server)).some((trace) => trace.startsWith('mount '))).toBe(true);

    await server.kill();
    await server.restart();
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
    for (const id of ids) {
      const ended = await server.build(id);
      expect(ended).toMatchObject({
        status: 'INTERNAL_ERROR',
        failureInfo: { detail: expect.stringContaining('the server ended while the build ran') },
      });
      const log = await server.ok('builds', 'log', id);
      expect(log).toMatch(/ERROR: the server ended while the build ran\nStart it again: .*\n$/);
    }
    expect(await server.ok('builds', 'log', ids[1] ?? '')).toContain('the step has begun');
    const manifest = (await server.get('/v2/demo/killed/api/manifests/1')) as { layers: { digest: string }[] };
    expect(manifest.layers.length).toBeGreaterThan(1);
    const doctor = await server.cli(['doctor']);
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining('every digest is right')]);
    // the server works on as before, from the layers that were kept
    const again = await server.submit(pushed, '--config', join(pushed, 'cloudbuild.yaml'));
    expect(again.build.results?.images?.[0]?.digest).toBe(digest);
    expect(again.log).toMatch(/CACHED/);
  });

  it('leaves nothing when it is cancelled', async () => {
    const ids = await twoAtWork();
    for (const id of ids) expect(await server.ok('builds', 'cancel', id)).toContain('CANCELLED');
    await expect.poll(() => traces(server), { timeout: 10_000 }).toEqual([]);
    for (const id of ids) expect((await server.build(id)).status).toBe('CANCELLED');
  });

  it('ends with the server that is told to end', async () => {
    const ids = await twoAtWork();
    const began = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(await traces(server)).toEqual([]);
    await server.restart();
    for (const id of ids)
      expect(await server.build(id)).toMatchObject({
        status: 'INTERNAL_ERROR',
        statusDetail: expect.stringContaining('the server was shut down'),
      });
    expect(await server.log()).not.toMatch(/"level":50/);
  });
});
