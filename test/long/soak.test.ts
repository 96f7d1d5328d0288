import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/images/descriptor.ts';
import { parseManifest } from '../../src/images/manifest.ts';
import { validateImage } from '../../src/images/validate.ts';
import { Semaphore } from '../../src/lib/semaphore.ts';
import { traces } from '../fault/main-job/traces.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../wire/server.ts';

const BUILDS = 20;
const AT_A_TIME = 4;
const why = await missingForBuilds();

/** What a server has to do on a busy day, all at once; then every byte is looked at. */
describe.skipIf(why !== '')(
  `${BUILDS} builds, ${AT_A_TIME} at a time, with pushes, pulls and collections${why}`,
  () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await TestServer.start({ config: await mirrorConfig(`builds:\n  concurrency: ${AT_A_TIME}\n`) });
    });
    afterAll(() => server?.close());

    it('leaves every tagged image whole', async () => {
      let over = false;
      const besides = [repeat(() => over, prune), repeat(() => over, copyUpAndDown)];
      const room = new Semaphore(AT_A_TIME);
      const ended = await Promise.allSettled(Array.from({ length: BUILDS }, (_, n) => room.with(() => buildOne(n))));
      over = true;
      const rounds = await Promise.all(besides);
      for (const result of ended) if (result.status === 'rejected') throw result.reason;
      expect(Math.min(...rounds)).toBeGreaterThan(2);

      const { repositories } = (await server.get('/v2/_catalog')) as { repositories: string[] };
      let images = 0;
      for (const repository of repositories) {
        const { tags } = (await server.get(`/v2/${repository}/tags/list`)) as { tags: string[] | null };
        for (const tag of tags ?? []) {
          expect(await mismatches(repository, tag), `${repository}:${tag}`).toEqual([]);
          images++;
        }
      }
      expect(images).toBeGreaterThan(BUILDS);
      const doctor = await server.cli(['doctor']);
      expect(doctor.code, doctor.stdout).toBe(0);
      expect(await traces(server)).toEqual([]);
      expect(await server.log()).not.toMatch(/"level":50/);
    });

    /** Two of three stand on layers of another build; each has one of its own and moves a tag that all of them move. */
    async function buildOne(n: number): Promise<void> {
      const repository = `europe-central2-docker.pkg.dev/demo/soak/api-${n % 3}`;
      const folder = await server.source(`build-${n}`, {
        own: `${n}\n`.repeat(50_000),
        shared: 'the same in all of them\n'.repeat(10_000),
        Dockerfile: `FROM busybox\nCOPY shared /shared\nRUN seq 1 ${20_000 + (n % 5)} > /numbers\nCOPY own /own\nRUN cat /own /shared | md5sum > /sum\n`,
        'cloudbuild.yaml': `
steps:
- { name: gcr.io/cloud-builders/docker, args: [build, '--tag=${repository}:latest', '--tag=${repository}:${n}', .] }
- { name: gcr.io/cloud-builders/docker, args: [push, --all-tags, '${repository}'] }
- { name: '${repository}:${n}', args: [sh, -c, 'head -n 1 /own'] }
`,
      });
      const { build, log } = await server.submit(folder, '--config', join(folder, 'cloudbuild.yaml'));
      if (build.status !== 'SUCCESS') throw new Error(`build ${n}: ${log}`);
      expect(log).toMatch(new RegExp(`^Step #2: ${n}$`, 'm'));
    }

    async function prune(): Promise<void> {
      await server.ok('prune');
    }

    /** A client that pulls what there is, pushes it under another name, and deletes that again. */
    async function copyUpAndDown(round: number): Promise<void> {
      const { tags } = (await server.get('/v2/demo/soak/api-0/tags/list').catch(() => ({ tags: [] }))) as {
        tags: string[];
      };
      const tag = tags?.[round % tags.length];
      if (tag === undefined) return;
      const creds = `oauth2accesstoken:${await server.token()}`;
      const folder = join(server.folder, 'copied');
      const source = `docker://${server.host}/demo/soak/api-0:${tag}`;
      const target = `docker://${server.host}/demo/soak/copied:${round}`;
      await server.clientOk('skopeo', [
        'copy',
        '--src-tls-verify=false',
        '--src-creds',
        creds,
        source,
        `dir:${folder}`,
      ]);
      await server.clientOk('skopeo', [
        'copy',
        '--dest-tls-verify=false',
        '--dest-creds',
        creds,
        `dir:${folder}`,
        target,
      ]);
      if (round % 2 === 0) await server.clientOk('skopeo', ['delete', '--tls-verify=false', '--creds', creds, target]);
    }

    async function mismatches(repository: string, tag: string): Promise<unknown[]> {
      const authorization = `Bearer ${await server.token()}`;
      const open = async (path: string) => {
        const response = await fetch(`${server.url}/v2/${repository}/${path}`, { headers: { authorization } });
        if (!response.ok || response.body === null) throw new Error(`${path}: ${response.status}`);
        return response;
      };
      const head = await open(`manifests/${tag}`);
      const bytes = Buffer.from(await head.arrayBuffer());
      const mediaType = head.headers.get('content-type') ?? '';
      parseManifest(bytes, mediaType);
      const digest = (head.headers.get('docker-content-digest') ?? '') as Descriptor['digest'];
      return validateImage({ mediaType, digest, size: bytes.length }, async (descriptor) => {
        const manifest = /manifest|index/.test(descriptor.mediaType);
        const { body } = await open(`${manifest ? 'manifests' : 'blobs'}/${descriptor.digest}`);
        return Readable.fromWeb(body as ReadableStream);
      });
    }
  },
);

/** Again and again until it is over; @returns how often */
async function repeat(over: () => boolean, work: (round: number) => Promise<void>): Promise<number> {
  let round = 0;
  for (; !over(); round++) await work(round);
  return round;
}
