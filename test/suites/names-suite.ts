import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import type { LocalImage, NameKeeper } from '../../src/stores/names/names.ts';

export interface OpenedNames {
  names: NameKeeper;
  close(): Promise<void>;
}

const PYTHON = 'docker.io/library/python:3.11';
const API = 'europe-central2-docker.pkg.dev/p/r/api:latest';

export function imageCalled(what: string, at = 1): LocalImage {
  const manifest = { mediaType: MEDIA.ociManifest, digest: digestOf(`manifest of ${what}`), size: 500 };
  return { id: digestOf(`config of ${what}`), target: manifest, manifest, at };
}

/** What every store of local image names does. */
export function namesSuite(name: string, open: () => Promise<OpenedNames>): void {
  describe(`local image names: ${name}`, () => {
    let opened: OpenedNames;
    let names: NameKeeper;

    beforeEach(async () => {
      opened = await open();
      names = opened.names;
    });
    afterEach(() => opened.close());

    it('finds an image by its whole name, with everything that was said of it', async () => {
      const image = imageCalled('python');
      image.target = {
        mediaType: MEDIA.ociIndex,
        digest: digestOf('index'),
        size: 9,
        platform: { os: 'linux', architecture: 'amd64' },
        annotations: { 'org.opencontainers.image.version': '3.11' },
      };
      await names.set('owner', PYTHON, image);
      expect(await names.find('owner', PYTHON)).toEqual({ name: PYTHON, ...image });
      expect(await names.find('owner', 'docker.io/library/python:3.12')).toBeUndefined();
    });

    it('moves a name to another image', async () => {
      await names.set('owner', API, imageCalled('first'));
      await names.set('owner', API, imageCalled('second', 2));
      expect(await names.list('owner')).toEqual([{ name: API, ...imageCalled('second', 2) }]);
    });

    it('keeps scopes apart and ends one as a whole', async () => {
      await names.set('build:1', API, imageCalled('one'));
      await names.set('build:2', API, imageCalled('two'));
      await names.set('build:2', PYTHON, imageCalled('python'));
      expect((await names.find('build:1', API))?.id).toBe(imageCalled('one').id);
      expect(await names.scopes()).toEqual(['build:1', 'build:2']);
      await names.drop('build:2');
      expect(await names.list('build:2')).toEqual([]);
      expect(await names.list('build:1')).toHaveLength(1);
      expect(await names.scopes()).toEqual(['build:1']);
    });

    it('lists names in order', async () => {
      for (const tag of ['c', 'a', 'b']) await names.set('owner', `localhost/x:${tag}`, imageCalled(tag));
      expect((await names.list('owner')).map((image) => image.name)).toEqual(
        ['a', 'b', 'c'].map((tag) => `localhost/x:${tag}`),
      );
    });

    it('finds by image id, whole or its beginning, with or without sha256:', async () => {
      const { id } = imageCalled('api');
      await names.set('owner', API, imageCalled('api'));
      await names.set('owner', PYTHON, imageCalled('api'));
      await names.set('build:1', API, imageCalled('api'));
      for (const prefix of [id, id.slice(0, 19), id.slice(7, 11), id.slice(7)])
        expect((await names.findById('owner', prefix)).map((image) => image.name)).toEqual([PYTHON, API]);
    });

    it('takes nothing for an id that is none: too short, no hexadecimal, a pattern', async () => {
      await names.set('owner', API, imageCalled('api'));
      const { id } = imageCalled('api');
      for (const prefix of [id.slice(7, 10), '%%%%', 'latest', '', `${id}0`])
        expect(await names.findById('owner', prefix)).toEqual([]);
    });

    it('removes one name and says whether there was one', async () => {
      await names.set('owner', API, imageCalled('api'));
      expect(await names.remove('owner', API)).toBe(true);
      expect(await names.remove('owner', API)).toBe(false);
    });

    it('says what all names mean, once', async () => {
      const kept = imageCalled('kept');
      kept.target = { mediaType: MEDIA.ociIndex, digest: digestOf('its index'), size: 7 };
      await names.set('owner', API, kept);
      await names.set('build:1', API, kept);
      const digests = (await names.targets()).map((target) => target.digest).sort();
      expect(digests).toEqual([kept.target.digest, kept.manifest.digest].sort());
    });
  });
}
