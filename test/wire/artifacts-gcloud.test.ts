import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { missingPrograms, writeLayoutImage } from './registry-image.ts';
import { missingForBuilds, TestServer } from './server.ts';

const missing = (await missingPrograms('gcloud', 'skopeo')).map((name) => `: no ${name}`).join('');
const why = missing === '' ? await missingForBuilds() : missing;
const HOST = 'europe-west3-docker.pkg.dev';
const REPOSITORY = `${HOST}/shop/releases`;
const LOCATION = '--location=europe-west3';

describe.skipIf(why !== '')(`gcloud artifacts, unmodified${why}`, () => {
  let server: TestServer;
  let env: NodeJS.ProcessEnv;
  let digest: string;
  const gcloud = async (...args: string[]) => {
    const { stdout, stderr } = await runOk('gcloud', ['artifacts', ...args, '--project=shop', '--quiet'], { env });
    return stdout + stderr;
  };
  const json = async (...args: string[]) =>
    JSON.parse((await runOk('gcloud', ['artifacts', ...args, '--project=shop', '--format=json'], { env })).stdout);
  const push = async (image: string) => {
    const layout = await writeLayoutImage(`${server.folder}/layout`, 'an image of the shop\n');
    digest = layout.digest;
    const login = `slipway:${await server.token()}`;
    const target = `docker://${server.host}/${image}`;
    const flags = ['--dest-tls-verify=false', '--dest-creds', login];
    await runOk('skopeo', ['copy', ...flags, `oci:${layout.layout}:latest`, target]);
  };

  beforeAll(async () => {
    server = await TestServer.start({ config: 'registries: { defaultLocation: europe-west3 }\n' });
    env = await server.environment();
  });
  afterAll(() => server?.close());

  it('creates, describes, changes and lists repositories', async () => {
    expect(
      await gcloud(
        'repositories',
        'create',
        'releases',
        '--repository-format=docker',
        LOCATION,
        '--description=of ours',
      ),
    ).toContain('Created repository [releases].');
    await expect(gcloud('repositories', 'create', 'releases', '--repository-format=docker', LOCATION)).rejects.toThrow(
      'ALREADY_EXISTS: the repository already exists',
    );
    await expect(gcloud('repositories', 'create', 'wheels', '--repository-format=python', LOCATION)).rejects.toThrow(
      'repository format PYTHON is not served here',
    );
    await gcloud('repositories', 'update', 'releases', LOCATION, '--update-labels=team=web', '--immutable-tags');
    expect(await json('repositories', 'describe', 'releases', LOCATION)).toMatchObject({
      description: 'of ours',
      labels: { team: 'web' },
      dockerConfig: { immutableTags: true },
      mode: 'STANDARD_REPOSITORY',
    });
    await gcloud('repositories', 'update', 'releases', LOCATION, '--no-immutable-tags');
    expect(await gcloud('repositories', 'list')).toMatch(
      /^releases +DOCKER +STANDARD_REPOSITORY +of ours +europe-west3/m,
    );
  });

  it('lists and describes the images that were pushed, by repository and by name', async () => {
    await push('shop/releases/web/api:1.0');
    const [image] = await json('docker', 'images', 'list', REPOSITORY, '--include-tags');
    expect(image).toMatchObject({ package: `${REPOSITORY}/web/api`, version: digest, tags: ['1.0'] });
    expect(Number(image.metadata.imageSizeBytes)).toBeGreaterThan(300);
    expect(await gcloud('docker', 'images', 'list', `${REPOSITORY}/web/api`, '--include-tags')).toMatch(
      new RegExp(`web/api +${digest} +1\\.0 `),
    );
    expect(await gcloud('docker', 'images', 'describe', `${REPOSITORY}/web/api:1.0`)).toContain(digest);
    expect(await gcloud('repositories', 'describe', 'releases', LOCATION)).toMatch(/Repository Size: 0\.\d+MB/);
  });

  it('adds, moves, lists and deletes tags', async () => {
    await gcloud('docker', 'tags', 'add', `${REPOSITORY}/web/api:1.0`, `${REPOSITORY}/web/api:stable`);
    await gcloud('docker', 'tags', 'add', `${REPOSITORY}/web/api@${digest}`, `${REPOSITORY}/web/api:stable`);
    const tags = await json('docker', 'tags', 'list', `${REPOSITORY}/web/api`);
    expect(tags.map(({ tag }: { tag: string }) => tag.split('/').at(-1)).sort()).toEqual(['1.0', 'stable']);
    expect(await gcloud('docker', 'tags', 'list', REPOSITORY)).toContain('stable');
    await gcloud('docker', 'tags', 'delete', `${REPOSITORY}/web/api:stable`);
    expect(await json('docker', 'tags', 'list', `${REPOSITORY}/web/api`)).toHaveLength(1);
    await expect(gcloud('docker', 'tags', 'delete', `${REPOSITORY}/web/api:stable`)).rejects.toThrow('NOT_FOUND');
  });

  it('holds immutable tags fast', async () => {
    await gcloud('repositories', 'update', 'releases', LOCATION, '--immutable-tags');
    await expect(gcloud('docker', 'tags', 'delete', `${REPOSITORY}/web/api:1.0`)).rejects.toThrow('is immutable');
    await gcloud('repositories', 'update', 'releases', LOCATION, '--no-immutable-tags');
  });

  it('keeps cleanup policies and who may pull', async () => {
    const policies = [
      { name: 'old', action: { type: 'Delete' }, condition: { tagState: 'untagged', olderThan: '30d' } },
      { name: 'last', action: { type: 'Keep' }, mostRecentVersions: { keepCount: 5, packageNamePrefixes: ['web'] } },
    ];
    const file = await server.source('policies', { 'policies.json': JSON.stringify(policies) });
    await gcloud(
      ...['repositories', 'set-cleanup-policies', 'releases', LOCATION],
      ...[`--policy=${file}/policies.json`, '--dry-run'],
    );
    const shown = JSON.stringify(await json('repositories', 'list-cleanup-policies', 'releases', LOCATION));
    expect(shown).toContain('"olderThan": "2592000s"'.replaceAll(' ', ''));
    expect(shown).toContain('"keepCount":5');
    await gcloud('repositories', 'delete-cleanup-policies', 'releases', LOCATION, '--policynames=old');
    expect(await json('repositories', 'describe', 'releases', LOCATION)).toMatchObject({
      cleanupPolicies: { last: { action: 'KEEP' } },
      cleanupPolicyDryRun: true,
    });

    const anonymous = () => fetch(`${server.url}/v2/shop/releases/web/api/manifests/1.0`, { method: 'HEAD' });
    const binding = ['releases', LOCATION, '--member=allUsers', '--role=roles/artifactregistry.reader'];
    expect((await anonymous()).status).toBe(401);
    await gcloud('repositories', 'add-iam-policy-binding', ...binding);
    expect((await anonymous()).status).toBe(200);
    await gcloud('repositories', 'remove-iam-policy-binding', ...binding);
    expect((await anonymous()).status).toBe(401);
  });

  it('makes remote and virtual repositories', async () => {
    const format = ['--repository-format=docker', LOCATION];
    await gcloud(
      ...['repositories', 'create', 'hub', ...format, '--mode=remote-repository'],
      ...['--remote-repo-config-desc=Docker Hub', '--remote-docker-repo=DOCKER-HUB'],
    );
    expect(await json('repositories', 'describe', 'hub', LOCATION)).toMatchObject({
      mode: 'REMOTE_REPOSITORY',
      remoteRepositoryConfig: { dockerRepository: { publicRepository: 'DOCKER_HUB' } },
    });
    const members = [
      { id: 'own', repository: 'projects/shop/locations/europe-west3/repositories/releases', priority: 10 },
    ];
    const file = await server.source('members', { 'members.json': JSON.stringify(members) });
    await gcloud(
      ...['repositories', 'create', 'all', ...format, '--mode=virtual-repository'],
      `--upstream-policy-file=${file}/members.json`,
    );
    expect(await json('repositories', 'describe', 'all', LOCATION)).toMatchObject({
      virtualRepositoryConfig: { upstreamPolicies: [{ id: 'own', priority: 10 }] },
    });
    await gcloud('repositories', 'delete', 'all', LOCATION);
  });

  it('deletes an image with its tags, and a repository with its images', async () => {
    await expect(gcloud('docker', 'images', 'delete', `${REPOSITORY}/web/api@${digest}`)).rejects.toThrow(/tag/);
    await gcloud('docker', 'images', 'delete', `${REPOSITORY}/web/api:1.0`, '--delete-tags');
    expect(await json('docker', 'images', 'list', REPOSITORY)).toEqual([]);
    await push('shop/releases/other:1');
    expect(await gcloud('repositories', 'delete', 'releases', LOCATION)).toContain('Deleted repository [releases].');
    await expect(gcloud('repositories', 'describe', 'releases', LOCATION)).rejects.toThrow('NOT_FOUND');
    const gone = await fetch(`${server.url}/v2/shop/releases/other/manifests/1`, {
      headers: { authorization: `Bearer ${await server.token()}` },
    });
    expect(gone.status).toBe(404);
  });
});
