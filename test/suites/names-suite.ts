import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import { MEDIA } from '../../src/images/media-types.ts';
import { type HeldImage, type LocalImage, type NameKeeper, STEPS_KEPT } from '../../src/stores/names/names.ts';

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

function heldCalled(what: string, rest: Partial<HeldImage> = {}): HeldImage {
  return { ...imageCalled(what), kind: 'image', ...rest };
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

    it('has images without a name, in the order in which they came', async () => {
      const child = heldCalled('child', { at: 2, parent: imageCalled('parent').id, kind: 'step' });
      await names.hold('owner', [child, heldCalled('parent')]);
      await names.hold('build:1', [heldCalled('elsewhere')]);
      expect(await names.held('owner')).toEqual([heldCalled('parent'), child]);
      expect(await names.list('owner')).toEqual([]);
      expect(await names.heldById('owner', child.id.slice(7, 19))).toEqual([child]);
      expect(await names.heldById('owner', 'zz')).toEqual([]);
    });

    it('never makes less of an image: kind and parent stay when it comes again', async () => {
      const parent = imageCalled('parent').id;
      await names.hold('owner', [heldCalled('a', { kind: 'layer' })]);
      await names.hold('owner', [heldCalled('a', { kind: 'step', parent })]);
      await names.hold('owner', [heldCalled('a', { kind: 'layer' })]);
      expect(await names.held('owner')).toEqual([heldCalled('a', { kind: 'step', parent })]);
      await names.hold('owner', [heldCalled('a', { at: 5 })]);
      expect(await names.held('owner')).toEqual([heldCalled('a', { at: 5, parent })]);
      await names.hold('owner', [heldCalled('a', { at: 6, kind: 'step' })]);
      expect(await names.held('owner')).toEqual([heldCalled('a', { at: 6, parent })]);
    });

    it('keeps the newest steps, and every image that somebody asked for', async () => {
      const steps = Array.from({ length: STEPS_KEPT + 3 }, (_, at) => heldCalled(`step ${at}`, { at, kind: 'step' }));
      await names.hold('owner', [heldCalled('asked for', { at: 0 }), ...steps]);
      const held = await names.held('owner');
      expect(held).toHaveLength(STEPS_KEPT + 1);
      expect(held.slice(0, 2).map(({ at }) => at)).toEqual([0, 3]);
    });

    it('lets images go, whatever they are called', async () => {
      await names.hold('owner', [heldCalled('a'), heldCalled('b')]);
      await names.set('owner', API, imageCalled('a'));
      await names.letGo('owner', [imageCalled('a').id]);
      expect(await names.held('owner')).toEqual([heldCalled('b')]);
      expect(await names.find('owner', API)).toBeDefined();
    });

    it('ends a scope with its images and with what stands below it', async () => {
      await names.hold('build:1', [heldCalled('a')]);
      await names.set('build:1/containers', 'c', imageCalled('a'));
      await names.hold('build:10', [heldCalled('a')]);
      await names.drop('build:1');
      expect(await names.scopes()).toEqual(['build:10']);
      expect(await names.targets()).toEqual([imageCalled('a').manifest]);
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
