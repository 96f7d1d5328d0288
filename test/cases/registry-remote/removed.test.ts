import { afterEach, beforeEach, expect, it } from 'vitest';
import { PlantedUpstream } from './planted-upstream.ts';
import { bytesOf, key, LOCATION, RemoteHouse } from './remote-house.ts';

const HUB = { location: LOCATION, project: 'p', repository: 'hub' };

let upstream: PlantedUpstream;
let house: RemoteHouse;

beforeEach(async () => {
  upstream = await PlantedUpstream.start();
  house = await RemoteHouse.open();
  await house.remote('hub', `http://${upstream.host}`);
});
afterEach(async () => {
  await house.close();
  await upstream.stop();
});

/** Removes the repository while upstream is asked for what begins so. */
function removedDuring(path: string): void {
  upstream.plan = async ({ method, url = '' }) => {
    if (method === 'GET' && url.includes(path)) await house.repositories.remove(HUB, 'ada');
    return false;
  };
}

it('comes back by no fetch that was under way when it was removed', async () => {
  const { layers } = upstream.image('app:1', 'a layer');
  const [layer] = layers;
  if (layer === undefined) throw new Error('the image has no layer');
  await house.pulls.manifest(key('hub/app'), '1');
  removedDuring('/blobs/');
  await expect(bytesOf(house.pulls, key('hub/app'), layer)).rejects.toMatchObject({ code: 'not-found' });
  expect(await house.repositories.get(HUB)).toBeUndefined();
});

it('is not made by a manifest that comes too late, nor is a standard one of its name filled', async () => {
  upstream.image('app:1', 'a layer');
  removedDuring('/manifests/');
  expect(await house.pulls.manifest(key('hub/app'), '1')).toBeUndefined();
  expect(await house.repositories.get(HUB)).toBeUndefined();

  await house.remote('hub', `http://${upstream.host}`);
  upstream.plan = async ({ method, url = '' }) => {
    if (method !== 'GET' || !url.includes('/manifests/')) return false;
    await house.repositories.remove(HUB, 'ada');
    await house.create(HUB);
    return false;
  };
  expect(await house.pulls.manifest(key('hub/app'), '1')).toBeUndefined();
  expect(await house.registry.exists(key('hub/app'))).toBe(false);
});
