import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../wire/server.ts';
import { hasRunc } from '../image-build/needs.ts';
import { answerGit, git, hasGitBackend } from './git-server.ts';
import { serveWeb, type WebServer } from './web-server.ts';

const REPOSITORY = 'europe-central2-docker.pkg.dev/demo/r';

/** `docker build` of a cloudbuild's step, with files that come from addresses. */
describe.skipIf(!hasRunc || !hasGitBackend)('a build step', () => {
  let server: TestServer;
  let web: WebServer;
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-git-'));
    const work = join(root, 'work');
    await mkdir(work, { recursive: true });
    git(work, 'init', '-q', '-b', 'main');
    await writeFile(join(work, 'Dockerfile'), 'FROM scratch\nCOPY --from=more b /b\nCOPY c /c\n');
    await writeFile(join(work, 'c'), 'of the repository');
    git(work, 'add', '-A');
    git(work, 'commit', '-qm', 'one');
    git(root, 'clone', '-q', '--bare', 'work', 'repo.git');
    web = await serveWeb((request, response) => {
      if (request.url !== '/more.tar') return answerGit(root, request, response);
      const archive = pack();
      archive.entry({ name: 'b' }, 'of the archive');
      archive.finalize();
      archive.pipe(response);
    });
    server = await TestServer.start({ config: `fetch:\n  allowHosts: ["${new URL(web.url).host}"]\n` });
  });
  afterAll(async () => {
    await web?.close();
    await server?.close();
    await rm(root, { recursive: true, force: true });
  });

  const submit = async (name: string, args: string[], files: Record<string, string> = {}) => {
    const config = JSON.stringify({ steps: [{ name: 'gcr.io/cloud-builders/docker', args }] });
    const source = await server.source(name, { 'cloudbuild.yaml': config, ...files });
    const { build, log } = await server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
    return { status: build.status, log };
  };

  it('takes named contexts from an archive and a repository', async () => {
    const { status, log } = await submit(
      'named',
      ['build', '--build-context', `more=${web.url}/more.tar`, '--build-context', `repo=${web.url}/repo.git`, '.'],
      { Dockerfile: 'FROM scratch\nCOPY --from=more b /b\nCOPY --from=repo c /c\n' },
    );
    expect({ status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toMatch(/\[context more\] load .*\/more\.tar/);
    expect(log).toMatch(/commit [0-9a-f]{40}/);
  });

  it('takes its context from a repository, and an archive beside it', async () => {
    const { status, log } = await submit('repository', [
      'build',
      '--build-context',
      `more=${web.url}/more.tar`,
      '--tag',
      `${REPOSITORY}/app:1`,
      `${web.url}/repo.git#main`,
    ]);
    expect({ status, log }).toMatchObject({ status: 'SUCCESS' });
  });

  it('says which address has no repository', async () => {
    const { status, log } = await submit('missing', ['build', `${web.url}/nope.git`]);
    expect(status).toBe('FAILURE');
    expect(log).toMatch(/git: http:\/\/127\.0\.0\.1:\d+\/nope\.git: .*not found/);
  });
});
