import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const IMAGE = 'europe-central2-docker.pkg.dev/demo/both/api';
const why = await missingForBuilds();

describe.skipIf(why !== '')(`two submits at the same time, with the same tags${why}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
  });
  afterAll(() => server?.close());

  /** Builds, waits for the other one to have built, then looks at what the name means here. */
  const source = (mark: string) =>
    server.source(mark, {
      mark: `${mark}\n`,
      Dockerfile: 'FROM busybox\nRUN sleep 1\nCOPY mark /mark\nRUN sleep 1 && cat /mark > /ran\n',
      'cloudbuild.yaml': `
steps:
- { name: gcr.io/cloud-builders/docker, args: [build, '--tag=${IMAGE}:latest', '--tag=api', .] }
- { name: busybox, args: [sleep, '3'] }
- { name: api, args: [sh, -c, 'echo by the short name: $(cat /mark /ran)'] }
- { name: '${IMAGE}:latest', args: [sh, -c, 'echo by the long name: $(cat /mark /ran)'] }
- { name: gcr.io/cloud-builders/docker, args: [push, --all-tags, '${IMAGE}'] }
`,
    });

  it('never meet, and both are right', async () => {
    const marks = ['left', 'right'];
    const ended = await Promise.all(
      marks.map(async (mark) => {
        const folder = await source(mark);
        return server.submit(folder, '--config', join(folder, 'cloudbuild.yaml'));
      }),
    );
    const digests = ended.map(({ build, log }, index) => {
      expect(build.status, log).toBe('SUCCESS');
      expect(log).toContain(`by the short name: ${marks[index]} ${marks[index]}`);
      expect(log).toContain(`by the long name: ${marks[index]} ${marks[index]}`);
      expect(build.results?.images?.map(({ name }) => name)).toEqual([`${IMAGE}:latest`]);
      return build.results?.images?.[0]?.digest ?? '';
    });
    expect(new Set(digests).size).toBe(2);
    // the tag is one of the two, whole; the other one is served by its digest
    for (const reference of ['latest', ...digests]) {
      const { layers } = (await server.get(`/v2/demo/both/api/manifests/${reference}`)) as {
        layers: { digest: string }[];
      };
      expect(layers).toHaveLength(3);
    }
  });
});
