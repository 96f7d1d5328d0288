import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { PlantedUpstream } from './planted-upstream.ts';
import { bytesOf, key, LOCATION, RemoteHouse } from './remote-house.ts';

let first: PlantedUpstream;
let second: PlantedUpstream;
let house: RemoteHouse;

beforeEach(async () => {
  [first, second] = [await PlantedUpstream.start(), await PlantedUpstream.start()];
  house = await RemoteHouse.open();
  await house.create({ location: LOCATION, project: 'p', repository: 'own' });
  await house.remote('first', `http://${first.host}`);
  await house.remote('second', `http://${second.host}`);
  await house.virtual('all', ['second', 10], ['own', 100], ['first', 50]);
});
afterEach(async () => {
  await house.close();
  await Promise.all([first.stop(), second.stop()]);
});

const pull = (image: string, reference = '1') => house.pulls.manifest(key(`all/${image}`), reference);

/** Pushes an image without layers to the standard repository. */
async function push(image: string, tag: string, text: string) {
  const config = Buffer.from(text);
  const blob = { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length };
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config: blob, layers: [] }),
  );
  await house.content.put(config);
  const { digest, size } = await house.content.put(bytes);
  await house.registry.putManifest(key(image), {
    digest,
    mediaType: MEDIA.ociManifest,
    size,
    blobs: [blob.digest],
    children: [],
    link: [blob.digest],
    tags: [tag],
    actor: 'test',
  });
  return { digest, config: blob.digest };
}

describe('a virtual repository', () => {
  it('gives what the member with the highest priority has', async () => {
    const own = await push('own/app', '1', 'own');
    first.image('app:1', 'of the first');
    const other = first.image('other:1', 'of the first');
    second.image('other:1', 'of the second');
    const last = second.image('last:1', 'of the second');
    expect(await pull('app')).toMatchObject({ manifest: { digest: own.digest }, warnings: [] });
    expect(await pull('other')).toMatchObject({ manifest: { digest: other.digest } });
    expect(await pull('last')).toMatchObject({ manifest: { digest: last.digest } });
    expect(await pull('none')).toBeUndefined();
    expect(second.took().filter((line) => line.startsWith('GET manifests'))).toHaveLength(1);
  });

  it('gives the layers from where they are, and asks only the upstream that has them', async () => {
    const own = await push('own/app', '1', 'own');
    const last = second.image('last:1', 'of the second');
    await pull('last');
    first.took();
    second.took();
    expect((await bytesOf(house.pulls, key('all/app'), own.config)).toString()).toBe('own');
    expect((await bytesOf(house.pulls, key('all/last'), last.layers[0] ?? last.config)).toString()).toBe(
      'of the second',
    );
    expect(first.took()).toEqual([]);
    expect(second.took()).toEqual(['GET blobs digest']);
    expect(await house.pulls.blob(key('all/last'), digestOf('nothing'))).toBeUndefined();
  });

  it('never takes a name from the next upstream because the one before is down; what is kept is served', async () => {
    const kept = second.image('kept:1', 'seen before');
    second.image('app:1', 'a stranger under the same name');
    await pull('kept');
    house.pass(61);
    await first.stop();
    await expect(pull('app')).rejects.toMatchObject({ code: 'unavailable' });
    const found = await pull('kept');
    expect(found).toMatchObject({ manifest: { digest: kept.digest } });
    expect(found?.warnings.join()).toContain(`${LOCATION}/p/first comes first and could not be asked`);
    expect(await pull('kept', kept.digest)).toMatchObject({ manifest: { digest: kept.digest }, warnings: [] });
    await first.listen();
  });

  it('lists the tags of all, each once, and pages through them', async () => {
    await push('own/app', 'b', 'own');
    first.image('app:a', '1');
    first.image('app:b', '2');
    second.image('app:c', '3');
    expect(await house.pulls.tags(key('all/app'), { limit: 10 })).toEqual({ entries: ['a', 'b', 'c'], warnings: [] });
    expect(await house.pulls.tags(key('all/app'), { limit: 1, after: 'a' })).toMatchObject({ entries: ['b'] });
    expect(await house.pulls.tags(key('all/none'), { limit: 10 })).toBeUndefined();
  });

  it('shows nothing of another project, unless that is shared or open to everybody', async () => {
    await house.remote('q/secret', `http://${first.host}`);
    await house.virtual('peek', ['q/secret', 1]);
    first.image('app:1', 'a secret');
    expect(await house.pulls.manifest(key('peek/app'), '1')).toBeUndefined();
    const shared = house.another({ sharedProjects: () => ['q'] });
    expect(await shared.manifest(key('peek/app'), '1')).toBeDefined();
    await shared.close();
    await house.repositories.update(
      { location: LOCATION, project: 'q', repository: 'secret' },
      { anonymousPull: true },
      'owner',
    );
    const later = house.another();
    expect(await later.manifest(key('peek/app'), '1')).toBeDefined();
    await later.close();
  });
});

describe('lists of a remote repository', () => {
  it('have what refers to an image upstream, also where only the fallback tag says so', async () => {
    const image = first.image('app:1', 'x');
    const sbom = first.image('', 'sbom');
    first.index(`app:${image.digest.replace(':', '-')}`, [sbom, 'amd64']);
    const found = await house.pulls.referrers(key('all/app'), image.digest);
    expect(found).toMatchObject({ entries: [{ digest: sbom.digest }], warnings: [] });
    expect(await house.pulls.manifest(key('all/app'), sbom.digest)).toMatchObject({ stored: true });
  });

  it('are joined with what is kept, and are what is kept when upstream is down', async () => {
    const image = first.image('app:1', 'x');
    first.image('app:2', 'y');
    await house.pulls.manifest(key('first/app'), '1');
    first.tags.delete('app:1');
    expect(await house.pulls.tags(key('first/app'), { limit: 10 })).toEqual({ entries: ['1', '2'], warnings: [] });
    first.took();
    await house.pulls.tags(key('first/app'), { limit: 10 });
    expect(first.took()).toEqual([]);
    house.pass(61);
    await first.stop();
    const old = await house.pulls.tags(key('first/app'), { limit: 10 });
    expect(old).toMatchObject({ entries: ['1', '2'], warnings: [expect.stringContaining('may be old')] });
    expect(await house.pulls.referrers(key('first/app'), image.digest)).toMatchObject({ entries: [] });
    await first.listen();
  });
});
