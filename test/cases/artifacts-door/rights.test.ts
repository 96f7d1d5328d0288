import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteUpstream } from '../../../src/stores/repositories/repository.ts';
import { ArtifactsHouse, below, LOCATION, repositoryId } from './artifacts-house.ts';

const HUB: RemoteUpstream = { url: 'https://registry-1.docker.io', dockerHub: true, freshSeconds: 60 };
const ALL_USERS = {
  policy: { bindings: [{ role: 'roles/artifactregistry.reader', members: ['allUsers'] }] },
};

let house: ArtifactsHouse;

beforeEach(async () => {
  house = await ArtifactsHouse.open();
  await house.repositories.create(repositoryId('shop/live'), 'ada');
});
afterEach(() => house.close());

const named = (path: string) => {
  const [project, repository] = path.split('/');
  return `projects/${project}/locations/${LOCATION}/repositories/${repository}`;
};
const behind = (...paths: string[]) => ({
  mode: 'VIRTUAL_REPOSITORY',
  virtualRepositoryConfig: {
    upstreamPolicies: paths.map((path, priority) => ({ id: path, repository: named(path), priority })),
  },
});
const status = async (...call: Parameters<ArtifactsHouse['ask']>) => (await house.ask(...call)).status;

describe('who has no right to a repository', () => {
  it.each([
    ['GET', ''],
    ['GET', '/dockerImages'],
    ['GET', '/packages'],
    ['GET', '/packages/api/tags'],
    ['GET', ':getIamPolicy'],
    ['PATCH', ''],
    ['DELETE', ''],
  ] as const)('hears from %s %s the same, whether or not it is there', async (method, rest) => {
    for (const who of ['admin of other', 'admin of shop/else']) {
      const there = await house.ask(who, method, below('shop', `/live${rest}`));
      const absent = await house.ask(who, method, below('shop', `/absent${rest}`));
      expect(there.status).toBe(403);
      expect(JSON.stringify(absent)).toBe(JSON.stringify(there).replaceAll('live', 'absent'));
    }
  });

  it('does not learn where a project keeps images', async () => {
    const elsewhere = { ...repositoryId('shop/far'), location: 'us-west1' };
    await house.repositories.create(elsewhere, 'ada');
    const locations = async (who: string) =>
      ((await house.ask(who, 'GET', 'shop/locations')).json['locations'] as unknown[]).length;
    expect(await locations('admin of other')).toBe(1);
    expect(await locations('reader of shop/live/api')).toBe(2);
  });
});

it('deletes an image whole or not at all', async () => {
  for (const tag of ['1', '2']) await house.push('shop/live/api', tag);
  const untagged = await house.push('shop/live/api', '3');
  await house.registry.deleteTag(`${LOCATION}/shop/live/api`, '3', 'test');
  await house.repositories.update(repositoryId('shop/live'), { immutableTags: true }, 'ada');
  const image = below('shop', '/live/packages/api');
  expect(await house.ask('admin of shop', 'DELETE', image)).toMatchObject({
    status: 400,
    json: { error: { message: expect.stringContaining('immutable tag 1') } },
  });
  expect(await house.registry.manifest(`${LOCATION}/shop/live/api`, untagged)).toBeDefined();
  await house.repositories.update(repositoryId('shop/live'), { immutableTags: false }, 'ada');
  expect(await status('admin of shop', 'DELETE', image)).toBe(200);
  expect(await house.registry.manifests(`${LOCATION}/shop/live/api`, { limit: 10 })).toEqual([]);
});

it('tells an admin of one repository that a deletion is done', async () => {
  const digest = await house.push('shop/live/api', '1');
  const who = 'admin of shop/live';
  const gone = await house.ask(who, 'DELETE', below('shop', `/live/packages/api/versions/${digest}?force=true`));
  const operation = String(gone.json['name']).replace('projects/', '');
  expect(await house.ask(who, 'GET', operation)).toMatchObject({ status: 200, json: { done: true } });
});

describe('a virtual repository', () => {
  beforeEach(async () => {
    await house.repositories.create(repositoryId('shop/secret'), 'ada');
    await house.repositories.create(repositoryId('base/images'), 'ada');
  });

  it('shows nothing that its maker may not read', async () => {
    const make = (who: string, ...members: string[]) =>
      status(who, 'POST', below('shop', '?repositoryId=all'), behind(...members));
    expect(await make('admin of shop/all', 'shop/secret')).toBe(403);
    expect(await make('admin of shop/all, reader of shop/secret/api', 'shop/secret')).toBe(403);
    expect(await make('admin of shop', 'base/images')).toBe(403);
    expect(await make('admin of shop', 'base/absent')).toBe(403);
    expect(await make('admin of shop/all, reader of shop/secret', 'shop/secret')).toBe(200);
  });

  it('is changed to show no more, but keeps what it shows', async () => {
    const virtual = [{ id: 'a', priority: 1, repository: repositoryId('shop/secret') }];
    await house.repositories.create({ ...repositoryId('shop/all'), mode: 'virtual', virtual }, 'ada');
    const change = (...members: string[]) =>
      status(
        'admin of shop/all',
        'PATCH',
        below('shop', '/all?updateMask=virtualRepositoryConfig'),
        behind(...members),
      );
    expect(await change('shop/secret', 'shop/live')).toBe(403);
    expect(await change('shop/secret')).toBe(200);
  });

  it('stands on no other project that it would never show', async () => {
    const make = () =>
      house.ask('admin of shop, reader of base', 'POST', below('shop', '?repositoryId=all'), behind('base/images'));
    expect(await make()).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('sharedProjects') } },
    });
    house.shared = ['base'];
    expect(await make()).toMatchObject({ status: 200 });
  });
});

describe('what is fetched in the owner’s name', () => {
  beforeEach(async () => {
    const remote = { ...HUB, username: 'team', passwordFile: '/etc/hub', byOwner: true };
    await house.repositories.create({ ...repositoryId('shop/hub'), mode: 'remote', remote }, 'owner');
  });

  it('is not opened to everybody by a token', async () => {
    const open = (repository: string) =>
      house.ask('admin of shop', 'POST', below('shop', `/${repository}:setIamPolicy`), ALL_USERS);
    const denied = { status: 403, json: { error: { message: expect.stringContaining('slipway repo update') } } };
    expect(await open('hub')).toMatchObject(denied);
    const virtual = [{ id: 'a', priority: 1, repository: repositoryId('shop/hub') }];
    await house.repositories.create({ ...repositoryId('shop/all'), mode: 'virtual', virtual }, 'ada');
    expect(await open('all')).toMatchObject(denied);
    expect(await open('live')).toMatchObject({ status: 200 });
    await house.repositories.update(repositoryId('shop/hub'), { anonymousPull: true }, 'owner');
    expect(await open('all')).toMatchObject({ status: 200 });
  });

  it('is not put behind what everybody reads', async () => {
    const open = { ...repositoryId('shop/open'), mode: 'virtual' as const, virtual: [], anonymousPull: true };
    await house.repositories.create(open, 'ada');
    const path = below('shop', '/open?updateMask=virtualRepositoryConfig');
    expect(await status('admin of shop', 'PATCH', path, behind('shop/hub'))).toBe(403);
  });

  it('has its address and its password from the owner alone', async () => {
    const remoteRepositoryConfig = {
      dockerRepository: { customRepository: { uri: 'https://quay.io' } },
      passwordFile: '/etc/shadow',
      username: 'root',
      byOwner: true,
    };
    const body = { mode: 'REMOTE_REPOSITORY', remoteRepositoryConfig };
    expect(await status('admin of shop', 'POST', below('shop', '?repositoryId=quay'), body)).toBe(200);
    const made = await house.repositories.get(repositoryId('shop/quay'));
    expect(made?.remote).toEqual({ url: 'https://quay.io', dockerHub: false, freshSeconds: 300 });
    const leaky = { dockerRepository: { customRepository: { uri: 'https://ada:secret@quay.io' } } };
    const refused = await house.ask('admin of shop', 'POST', below('shop', '?repositoryId=leaky'), {
      ...body,
      remoteRepositoryConfig: leaky,
    });
    expect(refused).toMatchObject({ status: 400 });
    expect(JSON.stringify(refused.json)).not.toContain('secret@');
  });
});
