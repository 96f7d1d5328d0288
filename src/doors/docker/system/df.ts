import type { CachedLayer } from '../../../engine/cache/cache.ts';
import type { ShelfImage } from '../../../engine/local/shelf.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { ImageNames } from '../containers/image-names.ts';
import { listed } from '../containers/list.ts';
import { imageSummary } from '../images/image-json.ts';
import { sharedSizes } from '../images/list.ts';
import { folderSize } from '../volumes/folder-size.ts';
import { volumeJson } from '../volumes/routes.ts';

/** `docker system df`. The build cache is the project's, and other scopes of it find the same. */
export async function diskUsage(call: DockerCall): Promise<void> {
  const { query, response } = call;
  const asked = query.getAll('type');
  const wants = (type: string) => asked.length === 0 || asked.includes(type);
  const images = wants('image') || wants('container') ? await call.house.engine.shelf.list(call.caller, false) : [];
  sendJson(response, 200, {
    LayersSize: wants('image') ? layersSize(images) : 0,
    Images: wants('image') ? imagesJson(images, call) : null,
    Containers: wants('container') ? await containersJson(images, call) : null,
    Volumes: wants('volume') ? await volumesJson(call) : null,
    BuildCache: wants('build-cache') ? (await call.house.cachedLayers()).map(cacheJson) : null,
    BuilderSize: 0,
  });
}

/** Each layer once, however many images have it. */
function layersSize(images: readonly ShelfImage[]): number {
  const sizes = new Map(
    images.flatMap(({ layers, layerSizes }) => layers.map(({ diffID }, i) => [diffID, layerSizes[i] ?? 0] as const)),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function imagesJson(images: readonly ShelfImage[], { house, version }: DockerCall): object[] {
  const shared = sharedSizes(images);
  const containers = house.containers.list();
  return images.map((image) => ({
    ...imageSummary(image, image.tags, shared.get(image.id) ?? 0, version),
    Containers: containers.filter(({ imageId }) => imageId === image.id).length,
  }));
}

/** Layers are kept by their digest, so that an image may share any of them. */
function cacheJson({ blob, size, text, createdAt, usedAt }: CachedLayer): object {
  return {
    ID: blob.replace('sha256:', ''),
    Parents: [],
    Type: 'regular',
    Description: text,
    InUse: false,
    Shared: false,
    Size: size,
    CreatedAt: new Date(createdAt).toISOString(),
    LastUsedAt: new Date(usedAt).toISOString(),
    UsageCount: 1,
  };
}

async function containersJson(images: readonly ShelfImage[], call: DockerCall): Promise<object[]> {
  const names = new ImageNames(call);
  const sizes = new Map(images.map(({ id, size }) => [id as string, size]));
  return await Promise.all(call.house.containers.list().map((record) => listed(record, call.house, names, sizes)));
}

async function volumesJson({ house }: DockerCall): Promise<object[]> {
  const containers = house.containers.list();
  return await Promise.all(
    house.volumes.list().map(async (volume) => {
      const users = containers.filter(({ mounts }) => mounts.some(({ name }) => name === volume.name));
      return {
        ...volumeJson(volume),
        UsageData: { RefCount: users.length, Size: await folderSize(volume.folder) },
      };
    }),
  );
}
