import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasGitBackend } from '../cases/image-build-sources/git-server.ts';
import { type GitLabDouble, READ_TOKEN, startGitLab, WRITE_TOKEN } from '../cases/triggers/gitlab-double.ts';
import { ShopRepository } from '../cases/triggers/shop-repository.ts';
import { TriggerClient } from '../cases/triggers/trigger-client.ts';
import { missingForBuilds, TestServer } from './server.ts';

const missing = await missingForBuilds('gcloud');
const REGION = '--region=eu';
const REPOSITORY = 'projects/demo/locations/eu/connections/lab/repositories/shop';

/** With the fixtures of recorded conversations beside, which hold gcloud's other ways to make a trigger. */
describe.skipIf(missing !== '' || !hasGitBackend)(`gcloud builds triggers, connections, repositories${missing}`, () => {
  let root: string;
  let gitlab: GitLabDouble;
  let server: TestServer;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-triggers-'));
    await ShopRepository.create(root);
    gitlab = await startGitLab(root);
    server = await TestServer.start({ config: `fetch:\n  allowHosts: ["${gitlab.host}"]\n` });
    const client = new TriggerClient(server);
    for (const [name, value] of Object.entries({ r: READ_TOKEN, w: WRITE_TOKEN, h: 'hook-secret' }))
      await client.secret(name, value);
  });
  afterAll(async () => {
    await server?.close();
    await gitlab?.close();
    await rm(root, { recursive: true, force: true });
  });

  const gcloud = (...args: string[]) => server.client('gcloud', args, { cwd: root, timeout: 120_000 });
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await gcloud(...args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  };

  it('link a repository, wait for its pushes, and run', async () => {
    await ok(
      ...['builds', 'connections', 'create', 'gitlab', 'lab', REGION, `--host-uri=${gitlab.url}`],
      '--authorizer-token-secret-version=projects/demo/secrets/w/versions/1',
      '--read-authorizer-token-secret-version=projects/demo/secrets/r/versions/1',
      '--webhook-secret-secret-version=projects/demo/secrets/h/versions/1',
    );
    const remote = `--remote-uri=${gitlab.url}/team/shop.git`;
    await ok('builds', 'repositories', 'create', 'shop', '--connection=lab', REGION, remote);
    expect(gitlab.hooks).toHaveLength(1);
    const [connections, repositories, created] = await Promise.all([
      ok('builds', 'connections', 'list', REGION),
      ok('builds', 'repositories', 'list', '--connection=lab', REGION),
      gcloud(
        ...['beta', 'builds', 'triggers', 'create', 'gitlab', '--name=t3', REGION, '--build-config=cloudbuild.yaml'],
        ...[`--repository=${REPOSITORY}`, '--branch-pattern=^main$', '--included-files=src/**', '--ignored-files=*.md'],
      ),
    ]);
    expect(connections).toMatch(/lab .*COMPLETE/);
    expect(repositories).toMatch(/shop /);
    expect(created.stderr).toMatch(/^Created \[.*\/locations\/eu\/triggers\/[0-9a-f-]{36}\]\.\n$/);
    const run = await ok(
      'builds',
      'triggers',
      'run',
      't3',
      REGION,
      '--branch=main',
      '--format=value(metadata.build.steps[0].args[2])',
    );
    expect(run).toMatch(/^gs:\/\/demo-built\/main\/[0-9a-f]{40}\/file.txt\n$/);
  });

  it('come from a file with a schedule, and go into one', async () => {
    const file = join(root, 'nightly.yaml');
    const fields =
      'name: nightly\nbuild: {steps: [{name: ubuntu}]}\ncron: {schedule: 0 3 * * *, timeZone: Europe/Warsaw}\n';
    await writeFile(file, fields);
    expect(await ok('builds', 'triggers', 'import', REGION, `--source=${file}`)).toContain('schedule: 0 3 * * *');
    await ok('beta', 'builds', 'triggers', 'export', 'nightly', REGION, `--destination=${file}`);
    expect(await readFile(file, 'utf8')).toMatch(/cron:\n {2}schedule: 0 3 \* \* \*\n {2}timeZone: Europe\/Warsaw\n/);
  });
});
