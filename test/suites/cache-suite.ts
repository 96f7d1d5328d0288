import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheRecord, CacheStore } from '../../src/engine/cache/cache.ts';
import { digestOf } from '../../src/images/digest.ts';
import { MEDIA } from '../../src/images/media-types.ts';

export interface OpenedCache {
  cache: CacheStore;
  close(): Promise<void>;
}

/** A record as a lookup gives it, when its layer isn't there. */
function found({ inputs: _inputs, ...record }: CacheRecord, here = false) {
  return { ...record, here };
}

export function recordOf(key: string, more: Partial<CacheRecord> = {}): CacheRecord {
  return {
    key,
    layer: {
      diffID: digestOf(`tar ${key}`),
      blob: { mediaType: MEDIA.ociLayerGzip, digest: digestOf(`blob ${key}`), size: 10 },
    },
    contentDigest: digestOf(`content ${key}`),
    position: 'Dockerfile#0#1',
    text: 'RUN pip install -r requirements.txt',
    inputs: [{ kind: 'file', name: 'requirements.txt', value: digestOf('flask') }],
    build: 'b1',
    durationMs: 1200,
    createdAt: 1,
    ...more,
  };
}

/** What every layer cache does. */
export function cacheSuite(name: string, open: () => Promise<OpenedCache>): void {
  describe(`layer cache: ${name}`, () => {
    let opened: OpenedCache;
    let cache: CacheStore;

    beforeEach(async () => {
      opened = await open();
      cache = opened.cache;
    });
    afterEach(() => opened.close());

    it('gives back a record as it was saved', async () => {
      await cache.save('p', recordOf('k1'));
      expect(await cache.find('p', 'k1')).toEqual(found(recordOf('k1')));
      expect(await cache.latest('p', 'Dockerfile#0#1')).toEqual(recordOf('k1'));
      expect(await cache.find('p', 'k2')).toBeUndefined();
    });

    it('keeps that an operation changed no file', async () => {
      const { layer: _layer, contentDigest: _content, ...unchanged } = recordOf('k1');
      await cache.save('p', unchanged);
      expect(await cache.find('p', 'k1')).toEqual(found(unchanged, true));
    });

    it('keeps projects apart', async () => {
      await cache.save('p', recordOf('k1'));
      expect(await cache.find('q', 'k1')).toBeUndefined();
      expect(await cache.latest('q', 'Dockerfile#0#1')).toBeUndefined();
    });

    it('replaces the record of a key', async () => {
      await cache.save('p', recordOf('k1'));
      await cache.save('p', recordOf('k1', { build: 'b2', createdAt: 2 }));
      expect((await cache.find('p', 'k1'))?.build).toBe('b2');
    });

    it('knows the latest record at a position', async () => {
      await cache.save('p', recordOf('k2', { createdAt: 20 }));
      await cache.save('p', recordOf('k1', { createdAt: 10 }));
      await cache.save('p', recordOf('k3', { createdAt: 30, position: 'Dockerfile#0#2' }));
      expect((await cache.latest('p', 'Dockerfile#0#1'))?.key).toBe('k2');
      await cache.save('p', recordOf('k1', { createdAt: 40 }));
      expect((await cache.latest('p', 'Dockerfile#0#1'))?.key).toBe('k1');
    });

    it('compares with the same instruction, also where another was inserted above it', async () => {
      const save = (key: string, position: string, text: string, createdAt: number) =>
        cache.save('p', recordOf(key, { position, text, createdAt }));
      await save('elsewhere', 'other/Dockerfile#0#1', 'RUN make', 50);
      expect((await cache.latest('p', 'Dockerfile#0#2', 'RUN make'))?.key).toBe('elsewhere');
      await save('here', 'Dockerfile#0#2', 'RUN ls', 10);
      expect((await cache.latest('p', 'Dockerfile#0#2', 'RUN make'))?.key).toBe('here');
      await save('moved', 'Dockerfile#0#1', 'RUN make', 20);
      expect((await cache.latest('p', 'Dockerfile#0#2', 'RUN make'))?.key).toBe('moved');
      await save('same', 'Dockerfile#0#2', 'RUN make', 5);
      expect((await cache.latest('p', 'Dockerfile#0#2', 'RUN make'))?.key).toBe('same');
      expect(await cache.latest('p', 'Dockerfile#1#7', 'RUN nothing')).toBeUndefined();
    });
  });
}
