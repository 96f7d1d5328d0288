import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PlantedImage, PlantedUpstream } from './planted-upstream.ts';
import { bytesOf, key, RemoteHouse } from './remote-house.ts';

let upstream: PlantedUpstream;
let house: RemoteHouse;
let images: Record<'amd64' | 'arm64' | 's390x', PlantedImage>;
let index: { digest: PlantedImage['digest']; bytes: Buffer };

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  house = await RemoteHouse.open();
  const of = (architecture: string) => upstream.image('', `layer of ${architecture}`, { os: 'linux', architecture });
  images = { amd64: of('amd64'), arm64: of('arm64'), s390x: of('s390x') };
  index = upstream.index('library/python:3', [images.amd64, 'amd64'], [images.arm64, 'arm64'], [images.s390x, 's390x']);
});
afterEach(async () => {
  await house.close();
  await upstream.stop();
});

it('keeps an index byte for byte and fetches of it what is asked for', async () => {
  await house.remote('hub', `http://${upstream.host}`, { dockerHub: true });
  const python = key('hub/python');
  const found = await house.pulls.manifest(python, '3');
  expect(found?.manifest.digest).toBe(index.digest);
  expect((await house.content.read(index.digest)).equals(index.bytes)).toBe(true);
  await house.pulls.idle();
  await house.pulls.manifest(python, images.arm64.digest);
  expect(upstream.took()).toEqual(['HEAD manifests tag', 'GET manifests digest', 'GET manifests digest']);
  await upstream.stop();
  expect(await house.pulls.manifest(python, images.arm64.digest)).toBeDefined();
  await expect(house.pulls.manifest(python, images.s390x.digest)).rejects.toMatchObject({ code: 'unavailable' });
  await upstream.listen();
});

it('brings the chosen platforms ahead, so that they can be pulled when upstream is gone', async () => {
  await house.remote('hub', `http://${upstream.host}`, { dockerHub: true, platforms: ['linux/amd64', 'linux/arm64'] });
  const python = key('hub/library/python');
  await house.pulls.manifest(python, '3');
  await house.pulls.idle();
  const asked = upstream.took();
  expect(asked.filter((line) => line === 'GET manifests digest')).toHaveLength(3); // the index and two children
  expect(asked.filter((line) => line === 'GET blobs digest')).toHaveLength(4);
  await house.pulls.manifest(python, '3');
  await house.pulls.idle();
  expect(upstream.took()).toEqual([]);
  await upstream.stop();
  for (const image of [images.amd64, images.arm64]) {
    expect(await house.pulls.manifest(python, image.digest)).toMatchObject({ warnings: [] });
    for (const blob of [image.config, ...image.layers]) await bytesOf(house.pulls, python, blob);
  }
  await expect(house.pulls.manifest(python, images.s390x.digest)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await house.rows.pulls(python, [images.amd64.digest])).toHaveLength(1);
  await upstream.listen();
});

it('tries again at the next pull what could not be brought ahead', async () => {
  await house.remote('hub', `http://${upstream.host}`, { dockerHub: true, platforms: ['linux/amd64'] });
  upstream.plan = (request, response) =>
    request.url?.includes('/blobs/') === true && response.writeHead(404).end() !== undefined;
  await house.pulls.manifest(key('hub/python'), '3');
  await house.pulls.idle();
  upstream.plan = () => false;
  await house.pulls.manifest(key('hub/python'), '3');
  await house.pulls.idle();
  expect(await house.content.stat(images.amd64.config)).toBeDefined();
});

it("knows Docker Hub's own images by both of their names", async () => {
  await house.remote('hub', `http://${upstream.host}`, { dockerHub: true });
  await house.pulls.manifest(key('hub/python'), '3');
  upstream.took();
  expect(await house.pulls.manifest(key('hub/library/python'), '3')).toMatchObject({
    manifest: { digest: index.digest },
  });
  expect(upstream.took()).toEqual([]);
  const name = { host: 'docker.io', repository: 'library/python', tag: '3' };
  expect(await house.rows.latest(name)).toMatchObject({ digest: index.digest });
});

it('puts the path of the upstream before its names', async () => {
  const image = upstream.image('team/base/app:1', 'x');
  await house.remote('base', `http://${upstream.host}/team/base`);
  expect(await house.pulls.manifest(key('base/app'), '1')).toMatchObject({ manifest: { digest: image.digest } });
  const name = { host: upstream.host, repository: 'team/base/app', tag: '1' };
  expect(await house.rows.latest(name)).toMatchObject({ digest: image.digest });
});
