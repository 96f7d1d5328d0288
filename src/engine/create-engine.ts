import { familiarName, formatReference, fullName, parseReference, withDefaultTag } from '../images/reference.ts';
import { Transport } from '../images/remote/transport.ts';
import { Problem } from '../lib/problem.ts';
import type { ContentStore } from '../stores/content/content.ts';
import type { NamedImage } from '../stores/names/names.ts';
import { baseOf } from './base-of.ts';
import { buildImage } from './build-image.ts';
import { LastKeys } from './cache/asked-ahead.ts';
import { ContextIndexes } from './context/context-indexes.ts';
import type { EngineDeps } from './deps.ts';
import type { Caller, Engine, ImageDetails, PullResult, PushListener, PushResult, ResolvedImage } from './engine.ts';
import { createShelf } from './local/create-shelf.ts';
import type { FoundImage } from './local/local-images.ts';
import { takeIn } from './local/take-in.ts';
import { imageFiles, loadImages, saveFolder, saveImages } from './output/images-as-files.ts';
import { readLayoutFolder } from './output/layout-folder.ts';
import { readArchive } from './output/read-archive.ts';
import { ProjectRooms } from './project-room.ts';
import { Scopes } from './scopes.ts';
import { SnapshotStore } from './snapshots/snapshot-store.ts';
import { WebFiles } from './sources/web-file.ts';
import { WebMemory } from './sources/web-memory.ts';
import { fetchLayers } from './transfer/fetch-layers.ts';
import type { Resolved } from './transfer/source.ts';
import { ListingFiles } from './trees/listing-files.ts';

/** An engine, and the trees that the owner collects from time to time. */
export interface CreatedEngine extends Engine {
  snapshots: SnapshotStore;
}

/** Joins the rooms of the engine. */
export async function createEngine(deps: EngineDeps): Promise<CreatedEngine> {
  const snapshots = await SnapshotStore.open(deps.snapshots);
  const rooms = new ProjectRooms(deps, snapshots, new ListingFiles(snapshots.folder('listings')));
  const shared = {
    indexes: new ContextIndexes(snapshots.folder('contexts')),
    lastKeys: new LastKeys(),
    web: new WebFiles(new Transport(deps.fetch ?? {}), new WebMemory(snapshots.folder('fetched'))),
  };
  const scopes = new Scopes();

  const shelf = createShelf(deps, rooms, scopes);

  /** What was pushed is known by its digest from then on. */
  const pushNoted = async (name: string, bound: Caller, listener: PushListener): Promise<PushResult> => {
    const result = await rooms.of(bound).pusher.push(name, bound, listener);
    const { host, repository } = parseReference(name);
    const image = await local(name, bound);
    await deps.names.set(bound.scope, formatReference({ host, repository, digest: result.digest }), image);
    return result;
  };

  const local = async (name: string, caller: Caller): Promise<FoundImage> => {
    const found = await rooms.of(caller).source.find(name, caller);
    if (found !== undefined) return found;
    throw new Problem('not-found', `No such image: ${name}`, { hint: 'slipway images lists the local ones.' });
  };

  return {
    snapshots,
    shelf,
    build: (request, caller) =>
      scopes.within(caller, (bound) => buildImage(request, bound, { ...rooms.of(bound), ...shared })),

    pull: (name, caller, options = {}) =>
      scopes.within(caller, async (bound) => {
        const platform = options.platform ?? deps.platform;
        const { source, fetcher } = rooms.of(bound);
        const image = await source.resolve(name, bound, { platform, local: false });
        const { target, configDigest: id, layers } = image;
        const isKnown = (await deps.names.heldById(bound.scope, id)).length > 0;
        options.listener?.onResolved?.({ digest: target.digest, id, layers, isKnown });
        if (options.layers === true) await fetchLayers(image.layers, fetcher, bound.signal, options.listener);
        return await nameAsPulled(name, image, options.platform !== undefined, bound, deps);
      }),

    push: (name, caller, listener = {}) => scopes.within(caller, (bound) => pushNoted(name, bound, listener)),

    pushAll: (repository, caller, listener = {}) =>
      scopes.within(caller, async (bound) => {
        const { host, repository: path } = parseReference(repository);
        const names = (await deps.names.list(bound.scope)).filter((image) => {
          const reference = parseReference(image.name);
          return reference.host === host && reference.repository === path && reference.tag !== undefined;
        });
        if (names.length === 0)
          throw new Problem(
            'not-found',
            `An image does not exist locally with the tag: ${familiarName({ host, repository: path })}`,
          );
        const results = [];
        for (const { name } of names) results.push(await pushNoted(name, bound, listener));
        return results;
      }),

    copy: (from, to, caller, options, listener) =>
      scopes.within(caller, (bound) => rooms.of(bound).copier.copy(from, to, bound, options, listener)),

    copyAll: (from, to, caller, options, listener) =>
      scopes.within(caller, (bound) => rooms.of(bound).copier.copyAll(from, to, bound, options, listener)),

    tag: async (name, target, caller) => {
      const { id, target: descriptor, manifest } = await local(name, caller);
      const image = { id, target: descriptor, manifest, at: deps.clock.now() };
      await takeIn({ ...image, kind: 'image' }, [fullName(target)], caller.scope, deps.names);
    },

    images: async (caller) => withoutDigestsOfTags(await deps.names.list(caller.scope)),

    inspect: async (name, caller) => {
      const image = await local(name, caller);
      const names = (await deps.names.findById(caller.scope, image.id)).map((named) => named.name);
      const resolved = await rooms.of(caller).source.open(image);
      const base = await baseOf(image.manifest, deps.platform, rooms.of(caller).deps.content);
      return { ...detailsOf(image, names, resolved), base };
    },

    remove: async (name, caller) => {
      await local(name, caller);
      await shelf.remove(name, caller, { force: true });
    },

    files: async (name, caller) => imageFiles(await local(name, caller), rooms.of(caller), caller.signal),

    save: (names, form, write, caller, options) =>
      scopes.within(caller, async (bound) => {
        const images = await Promise.all(names.map(async (name) => asNamed(await local(name, bound), name)));
        await saveImages(images, form, write, rooms.of(bound), bound, options);
      }),

    saveFolder: (names, folder, caller, options) =>
      scopes.within(caller, async (bound) => {
        const images = await Promise.all(names.map(async (name) => asNamed(await local(name, bound), name)));
        await saveFolder(images, folder, rooms.of(bound), bound, options);
      }),

    load: (bytes, caller, name) =>
      scopes.within(caller, (bound) => {
        const read = (content: ContentStore) => readArchive(bytes, content, bound.signal);
        return loadImages(read, name && fullName(name), rooms.of(bound), bound);
      }),

    loadFolder: (folder, caller, name) =>
      scopes.within(caller, (bound) => {
        const read = (content: ContentStore) => readLayoutFolder(folder, content, bound.signal);
        return loadImages(read, name && fullName(name), rooms.of(bound), bound);
      }),

    rootfs: (name, caller) =>
      scopes.within(caller, async (bound) => {
        const { source, mounts } = rooms.of(bound);
        const image = await source.resolve(name, bound, { platform: deps.platform, local: true });
        const stack = await mounts.stack(image.layers, bound.signal);
        return { lowers: stack.lowers, config: image.config, digest: image.target.digest, release: stack.release };
      }),

    endScope: async (scope) => {
      await scopes.end(scope);
      await deps.names.drop(scope);
    },
  };
}

async function nameAsPulled(
  name: string,
  image: Resolved,
  chosen: boolean,
  caller: Caller,
  deps: EngineDeps,
): Promise<PullResult> {
  const reference = withDefaultTag(parseReference(name));
  const { host, repository, tag, digest } = reference;
  // docker names a pull by tag and digest after the digest alone
  const full = formatReference(digest === undefined || tag === undefined ? reference : { host, repository, digest });
  const before = await deps.names.find(caller.scope, full);
  const target = chosen ? image.manifest : image.target;
  const named = { id: image.configDigest, target, manifest: image.manifest, at: deps.clock.now() };
  const exact = formatReference({ host, repository, digest: image.target.digest });
  await takeIn({ ...named, kind: 'image' }, [...new Set([full, exact])], caller.scope, deps.names);
  return {
    image: { ...named, name: full },
    digest: image.target.digest,
    fresh: before?.target.digest !== target.digest,
    own: image.own,
  };
}

/** An image that was asked for by its id or a layer has no name where it goes. */
function asNamed(image: FoundImage, text: string): FoundImage {
  if (image.name === undefined || /^(?:sha256:)?[a-f0-9]{64}$/.test(text)) return { ...image, name: undefined };
  return fullName(text) === image.name ? image : { ...image, name: undefined };
}

/** The digest as which an image was pulled or pushed goes without saying beside a tag of the same repository. */
function withoutDigestsOfTags(images: readonly NamedImage[]): NamedImage[] {
  const key = ({ id, name }: NamedImage) => {
    const { host, repository } = parseReference(name);
    return `${host}/${repository} ${id}`;
  };
  const tagged = new Set(images.filter(({ name }) => parseReference(name).tag !== undefined).map(key));
  return images.filter((image) => parseReference(image.name).tag !== undefined || !tagged.has(key(image)));
}

function detailsOf(image: FoundImage, names: string[], resolved: ResolvedImage): ImageDetails {
  const { id, target, manifest, at } = image;
  const { config, layers } = resolved;
  const size = layers.reduce((sum, layer) => sum + layer.blob.size, 0);
  return { image: { id, target, manifest, at }, names, config, layers, size };
}
