import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForBuilds, mirrorConfig, TestServer } from '../../wire/server.ts';

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
    expect({ status: build.status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toContain('Step #8: me first');
    expect(log).toContain("Step #3: fatal: pathspec 'a' did not match any files");
  });
});
