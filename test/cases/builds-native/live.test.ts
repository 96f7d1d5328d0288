import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const missing = await missingForBuilds();

/** Steps of Google's builders as people write them, run for real. */
describe.skipIf(missing !== '')(`builders of published files${missing}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
  });
  afterAll(() => server?.close());

  const submit = async (name: string, config: unknown, files: Record<string, string> = {}) => {
    const source = await server.source(name, { 'cloudbuild.yaml': JSON.stringify(config), ...files });
    return await server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
  };

  it('runs git of this machine in the workspace, as root, with the home of all steps', async () => {
    const git = (...args: string[]) => ({ name: 'gcr.io/cloud-builders/git', args });
    const { build, log } = await submit(
      'git',
      {
        steps: [
          git('config', '--global', 'user.email', 'me@lab'),
          git('config', '--global', 'user.name', 'me'),
          git('init', '-q', 'repo'),
          { ...git('add', 'a'), dir: 'repo' },
          { name: 'busybox', args: ['sh', '-c', 'echo hello > repo/a && ls -ln repo'] },
          { ...git('add', 'a'), dir: 'repo' },
          { ...git('commit', '-q', '-m', 'first'), dir: 'repo' },
          git('clone', '-q', '/workspace/repo', 'copy'),
          { name: 'gcr.io/cloud-builders/gcloud', entrypoint: 'git', args: ['log', '--format=%an %s'], dir: 'copy' },
          { name: 'gcr.io/google.com/cloudsdktool/cloud-sdk', args: ['git', 'status', '--short'], dir: 'copy' },
        ].map((step, i) => (i === 3 ? { ...step, allowFailure: true } : step)),
      },
      { x: '' },
    );
    expect(build.status, log).toBe('SUCCESS');
    expect(log).toContain('Step #8: me first');
    expect(log).toContain("Step #3: fatal: pathspec 'a' did not match any files");
  });

  const HOST = 'europe-central2-docker.pkg.dev';
  const DOCKER = 'gcr.io/cloud-builders/docker';

  it('says how to import a builder that it has not', async () => {
    const { build, log } = await submit('missing', {
      steps: [{ name: 'gcr.io/cloud-builders/kubectl', args: ['get', 'pods'] }],
    });
    expect(build.status).toBe('FAILURE');
    expect(log).toMatch(/^ERROR: build step 0 "gcr\.io\/cloud-builders\/kubectl" failed: error pulling build step 0 /m);
    expect(log).toContain(`slipway copy gcr.io/cloud-builders/kubectl ${HOST}/demo/cloud-builders/kubectl`);
    expect(log).toContain(`slipway load -i kubectl.tar --tag ${HOST}/demo/cloud-builders/kubectl && slipway push`);
    expect(log).not.toMatch(/\n\s+at /);
  });

  it('says what a docker command needs that it does not serve', async () => {
    const { build, log } = await submit('no-run', {
      steps: [{ name: DOCKER, args: ['run', '--rm', 'busybox', 'true'] }],
    });
    expect(build.status).toBe('FAILURE');
    expect(log).toContain(
      `docker run is nothing that this server does by itself: it runs in a container of ${DOCKER}.`,
    );
    expect(log).toContain('slipway seed --builders');
  });

  it('lets kaniko build and push', async () => {
    const { build, log } = await submit(
      'kaniko',
      {
        steps: [
          {
            name: 'gcr.io/kaniko-project/executor:latest',
            args: [`--destination=${HOST}/$PROJECT_ID/r/kaniko:1`, '--cache=true', '--digest-file=digest'],
          },
          { name: 'busybox', args: ['cat', 'digest'] },
        ],
      },
      { Dockerfile: 'FROM busybox\nCOPY Dockerfile /\nRUN echo made > /made\n' },
    );
    expect(build.status, log).toBe('SUCCESS');
    const digest = build.results?.images?.find(({ name }) => name === `${HOST}/demo/r/kaniko:1`)?.digest;
    expect(digest).toMatch(/^sha256:/);
    expect(log).toContain(`Pushed ${HOST}/demo/r/kaniko@${digest}`);
    expect(log).toContain(`Step #1: ${digest}`);
    expect(log).toMatch(/Step #0: INFO\[\d{4}\] RUN echo made > \/made\n/);
  });

  describe('with the builder images that set-up makes', () => {
    beforeAll(() => server.ok('seed', '--builders'));

    it('runs scripts of bash with docker, and commands that are not served', async () => {
      const image = `${HOST}/$PROJECT_ID/r/scripted`;
      const { build, log } = await submit(
        'scripts',
        {
          steps: [
            {
              name: DOCKER,
              entrypoint: 'bash',
              args: ['-c', `docker pull ${image}:latest || exit 0`],
            },
            {
              name: DOCKER,
              entrypoint: 'bash',
              args: [
                '-c',
                `docker build -t ${image}:$BUILD_ID -t ${image}:latest . && docker push --all-tags ${image}`,
              ],
            },
            {
              name: DOCKER,
              args: [
                'run',
                '--rm',
                '-v',
                '/workspace:/work',
                '-w',
                '/work',
                `${image}:latest`,
                'sh',
                '-c',
                'cat /made > out/made && ls',
              ],
            },
            { name: DOCKER, args: ['build', '-t', `${image}:native`, '--cache-from', `${image}:latest`, '.'] },
            { name: 'busybox', args: ['cat', 'out/made'] },
            {
              name: 'gcr.io/cloud-builders/git',
              entrypoint: 'bash',
              args: ['-c', 'git --version && curl --version | head -1'],
            },
          ],
          images: [`${image}:native`],
        },
        { Dockerfile: 'FROM busybox\nRUN echo by-docker > /made\n', 'out/.keep': '' },
      );
      expect(build.status, log).toBe('SUCCESS');
      expect(log).toContain(`Step #0: ${DOCKER} is served as ${HOST}/demo/cloud-builders/docker`);
      expect(log).toContain(`Step #1: Already have image: ${DOCKER} (${HOST}/demo/cloud-builders/docker)`);
      expect(log).toContain('Step #4: by-docker');
      expect(log).toMatch(/Step #5: git version 2/);
      expect(build.results?.images?.map(({ name }) => name)).toContain(`${HOST}/demo/r/scripted:native`);
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(join(server.data, 'builds', build.id));
      expect((await readdir(join(server.data, 'run'))).filter((name) => name.includes('lent'))).toEqual([]);
    });
  });
});
