import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shortDigest } from '../../../src/images/digest.ts';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { OWN } from '../image-build/test-engine.ts';
import { type ImagesDoor, openImagesDoor } from './images-door.ts';
import { buildWithSteps } from './step-image.ts';

const SHORT = 'app:1';

describe.skipIf(!hasBusybox)('images through the Engine API (needs /bin/busybox)', () => {
  let door: ImagesDoor;
  beforeEach(async () => {
    door = await openImagesDoor();
  });
  afterEach(() => door.close());

  const names = async (query = '') =>
    ((await door.ask('GET', `/v1.41/images/json${query}`)).body as { RepoTags: string[] }[]).flatMap(
      ({ RepoTags }) => RepoTags,
    );

  it('shows every step of a classic build by its id: in history, as parents, and in `images -a`', async () => {
    const { ids, image } = await buildWithSteps(door, [SHORT]);
    expect(ids).toHaveLength(7);
    expect(ids.at(-1)).toBe(image.id);
    const history = (await door.ask('GET', `/images/${SHORT}/history`)).body as Record<string, unknown>[];
    expect(history.map(({ Id }) => Id)).toEqual([...ids].reverse());
    expect(history[0]).toMatchObject({ Tags: ['app:1'], Comment: '', Size: 0, CreatedBy: 'CMD ["cat" "/w/hello"]' });
    expect(history.map(({ Size }) => Size)).toEqual([0, 6, 0, 6, 0, 0, expect.any(Number)]);
    expect(await names()).toEqual(['app:1']);
    const all = (await door.ask('GET', '/v1.41/images/json?all=1')).body as Record<string, unknown>[];
    expect(all).toHaveLength(6);
    const parents = new Map(all.map(({ Id, ParentId }) => [Id, ParentId]));
    for (const [i, id] of ids.entries()) if (i > 0) expect(parents.get(id)).toBe(ids[i - 1]);
    expect(all.find(({ Id }) => Id === ids[1])).toMatchObject({
      RepoTags: ['<none>:<none>'],
      RepoDigests: ['<none>@<none>'],
      Labels: { a: 'b' },
      Containers: -1,
      SharedSize: -1,
    });
  });

  it('takes a step, a layer and a position for an image wherever it takes a name', async () => {
    const { ids } = await buildWithSteps(door, [SHORT]);
    const { layers } = await door.engine.inspect(SHORT, door.caller());
    const [, hello, world] = layers;
    const idOf = async (name: string) =>
      ((await door.ask('GET', `/images/${encodeURIComponent(name)}/json`)).body as { Id: string }).Id;
    expect(await idOf(shortDigest(ids[3] as never))).toBe(ids[3]);
    expect(await idOf(hello?.diffID ?? '')).toBe(ids[3]);
    expect(await idOf(hello?.blob.digest ?? '')).toBe(ids[3]);
    expect(await idOf(shortDigest(world?.diffID ?? (ids[0] as never)))).toBe(ids[5]);
    expect(await idOf(`${SHORT}#3`)).toBe(ids[5]);
    expect(await idOf(`${SHORT}--3`)).toBe(ids[5]);
    expect((await door.ask('POST', `/images/${ids[3]}/tag?repo=app&tag=1--3`)).status).toBe(201);
    expect(await idOf(`${SHORT}--3`)).toBe(ids[3]);
    expect((await door.ask('DELETE', `/images/${SHORT}--3`)).status).toBe(200);
    expect((await door.ask('POST', `/images/${ids[3]}/tag?repo=half&tag=1`)).status).toBe(201);
    expect(await idOf('half:1')).toBe(ids[3]);
    expect((await door.ask('GET', `/images/${encodeURIComponent(`${SHORT}#9`)}/json`)).body).toEqual({
      message: expect.stringContaining('app:1 has no layer 9: it has 3'),
    });
    // at 404 `docker run` would go on and pull
    expect((await door.ask('GET', `/images/${SHORT}--9/history`)).status).toBe(400);
  });

  it('gives an id to each layer of an image that nobody built here step by step', async () => {
    const { image } = await buildWithSteps(door, []);
    await door.ask('DELETE', `/images/${image.id}`);
    await door.engine.pull(`${OWN}/base:1`, door.caller());
    const built = await door.build(door.folder, {
      dockerfile: { text: `FROM ${OWN}/base:1\nUSER app\nWORKDIR /w\nENV A=1\nWORKDIR /x\n`, name: 'Dockerfile' },
      context: { kind: 'empty' },
      tags: ['plain:1'],
    });
    const history = (await door.ask('GET', '/images/plain:1/history')).body as { Id: string }[];
    expect(history.map(({ Id }) => Id)).toEqual([built.image.id, ...Array(4).fill('<missing>')]);
    const { body } = await door.ask('GET', '/images/plain:1%232/json');
    expect(body).toMatchObject({
      RootFS: { Layers: expect.objectContaining({ length: 2 }) },
      Config: { User: 'app', WorkingDir: '/w' },
      RepoTags: [],
    });
    // it stands in no list, and is found again by its id
    expect(await names()).not.toContain('<none>:<none>');
    const { Id } = body as { Id: string };
    expect(((await door.ask('GET', `/images/${Id.slice(7, 19)}/json`)).body as { Id: string }).Id).toBe(Id);
  });

  it('keeps an image whose name another has taken, and lets it go with prune', async () => {
    const first = await buildWithSteps(door, [SHORT]);
    await buildWithSteps(door, [SHORT], `FROM ${OWN}/base:1\nLABEL other=1\n`);
    expect((await names()).sort()).toEqual(['<none>:<none>', 'app:1']);
    expect(await names(`?filters=${encodeURIComponent('{"dangling":{"true":true}}')}`)).toEqual(['<none>:<none>']);
    const { body } = await door.ask('POST', '/images/prune');
    const { ImagesDeleted, SpaceReclaimed } = body as { ImagesDeleted: { Deleted: string }[]; SpaceReclaimed: number };
    const deleted = ImagesDeleted.map(({ Deleted }) => Deleted);
    const { ids } = first;
    // the base is what app:1 is made of now
    expect(deleted.filter((id) => (ids as string[]).includes(id))).toEqual(ids.slice(1).reverse());
    expect(SpaceReclaimed).toBe(12);
    expect(await names('?all=1')).toEqual(['app:1']);
    expect((await door.ask('POST', '/images/prune')).body).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 });
  });

  it('removes by the rules and in the words of dockerd', async () => {
    const { ids, image, ...rest } = await buildWithSteps(door, [SHORT, 'app:x']);
    void rest;
    const short = shortDigest(image.id);
    const refusal = async (name: string, query = '') => {
      const { status, body } = await door.ask('DELETE', `/images/${name}${query}`);
      return [status, (body as { message: string }).message];
    };
    expect(await refusal('nope')).toEqual([404, 'No such image: nope:latest']);
    expect(await refusal('sha256:ffff')).toEqual([404, 'No such image: sha256:ffff']);
    expect(await refusal(image.id)).toEqual([
      409,
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    ]);
    door.containers.push({ id: '5'.repeat(64), imageId: image.id, status: 'exited', upper: door.folder });
    expect((await door.ask('DELETE', '/images/app:1')).body).toEqual([{ Untagged: 'app:1' }]);
    expect(await refusal('app:x')).toEqual([
      409,
      `conflict: unable to remove repository reference "app:x" (must force) - container 555555555555 is using its referenced image ${short}`,
    ]);
    expect(await refusal(short)).toEqual([
      409,
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container 555555555555`,
    ]);
    for (const container of door.containers) container.status = 'running';
    expect(await refusal(short, '?force=1')).toEqual([
      409,
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container 555555555555`,
    ]);
    expect(await refusal(ids[2] ?? '', '?force=1')).toEqual([
      409,
      `conflict: unable to delete ${shortDigest(ids[2] as never)} (cannot be forced) - image has dependent child images`,
    ]);
    door.containers.splice(0);
    const rows = (await door.ask('DELETE', '/images/app:x')).body as Record<string, string>[];
    expect(rows[0]).toEqual({ Untagged: 'app:x' });
    const deleted = rows.slice(1).map(({ Deleted }) => Deleted);
    expect(deleted.filter((id) => (ids as string[]).includes(id ?? ''))).toEqual([...ids].reverse());
    // with each image the trees of layers that nothing else has
    expect(deleted.length).toBe(ids.length + 3);
    expect(await names('?all=1')).toEqual([]);
  });

  it('leaves what an image was made of when it is asked to', async () => {
    const { ids, image } = await buildWithSteps(door, [SHORT]);
    const rows = (await door.ask('DELETE', '/images/app:1?noprune=1')).body as Record<string, string>[];
    expect(rows).toEqual([{ Untagged: 'app:1' }, { Deleted: image.id }]);
    const left = (await door.ask('GET', '/images/json?all=1')).body as { Id: string }[];
    expect(left.map(({ Id }) => Id)).toContain(ids[5]);
  });

  it('narrows a list as docker does', async () => {
    await buildWithSteps(door, [SHORT, 'app:2', 'team/app:1']);
    await buildWithSteps(door, ['old:1'], `FROM ${OWN}/base:1\nENV OLD=1\n`);
    const filtered = (filter: object) => names(`?filters=${encodeURIComponent(JSON.stringify(filter))}`);
    expect((await filtered({ reference: { app: true } })).sort()).toEqual(['app:1', 'app:2']);
    expect(await filtered({ reference: ['*/app'] })).toEqual(['team/app:1']);
    expect((await filtered({ label: { 'a=b': true } })).sort()).toEqual(['app:1', 'app:2', 'team/app:1']);
    expect(await filtered({ label: { 'a=c': true } })).toEqual([]);
    expect(await filtered({ dangling: ['true'] })).toEqual([]);
    expect(await filtered({ until: ['24h'] })).toEqual([]);
    expect((await filtered({ until: [`${Math.ceil(Date.now() / 1000) + 60}`] })).length).toBe(4);
    const refused = async (filter: string) => door.ask('GET', `/images/json?filters=${encodeURIComponent(filter)}`);
    expect((await refused('{"x":["y"]}')).status).toBe(400);
    expect((await refused('bad')).status).toBe(400);
    expect((await refused('{"before":["nope"]}')).body).toEqual({ message: 'No such image: nope:latest' });
  });

  it('describes an image with every field that docker shows, and says whose error it is', async () => {
    const { image, ids } = await buildWithSteps(door, [SHORT]);
    const { body } = await door.ask('GET', `/v1.41/images/${SHORT}/json`);
    expect(body).toMatchObject({
      Id: image.id,
      RepoTags: ['app:1'],
      RepoDigests: [],
      Parent: ids[5],
      Architecture: door.deps.platform.architecture,
      Os: 'linux',
      RootFS: { Type: 'layers' },
      GraphDriver: { Name: 'overlay2' },
      Config: { User: 'app', Cmd: ['cat', '/w/hello'], Labels: { a: 'b' }, Volumes: null, Tty: false },
    });
    const said = async (name: string) =>
      ((await door.ask('GET', `/images/${name}/json`)).body as { message: string }).message;
    expect(await said('nope')).toBe('no such image: nope: No such image: nope:latest');
    expect(await said('Bad:1')).toBe(
      'no such image: Bad:1: invalid reference format: repository name (library/Bad) must be lowercase',
    );
    expect(await said('f'.repeat(64))).toBe(`no such image: ${'f'.repeat(64)}: No such image: ${'f'.repeat(64)}`);
  });
});
