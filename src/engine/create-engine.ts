import type { Digest } from '../images/digest.ts';
import { parseManifest } from '../images/manifest.ts';
import { familiarName, formatReference, fullName, parseReference, withDefaultTag } from '../images/reference.ts';
import { Transport } from '../images/remote/transport.ts';
import { Problem } from '../lib/problem.ts';
import type { ContentReader, ContentStore } from '../stores/content/content.ts';
import type { NamedImage } from '../stores/names/names.ts';
import { baseOf } from './base-of.ts';
import { buildImage } from './build-image.ts';
import { ContextIndexes } from './context/context-indexes.ts';
import type { EngineDeps } from './deps.ts';
import type { Caller, Engine, ImageDetails, PullResult, ResolvedImage } from './engine.ts';
import { imageFiles, loadImages, saveFolder, saveImages } from './output/images-as-files.ts';
import { readLayoutFolder } from './output/layout-folder.ts';
import { readArchive } from './output/read-archive.ts';
import { ProjectRooms } from './project-room.ts';
import { dropReferrers, referrersOf } from './provenance/kept-referrers.ts';
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
    web: new WebFiles(new Transport(deps.fetch ?? {}), new WebMemory(snapshots.folder('fetched'))),
  };
  const scopes = new Scopes();

  const local = async (name: string, caller: Caller): Promise<NamedImage> => {
    const found = await rooms.of(caller).source.find(name, caller);
    if (found !== undefined) return found;
    throw new Problem('not-found', `No such image: ${name}`, { hint: 'slipway images lists the local ones.' });
  };

  return {
    snapshots,
    build: (request, caller) =>
      scopes.within(caller, (bound) => buildImage(request, bound, { ...rooms.of(bound), ...shared })),

    pull: (name, caller, options = {}) =>
      scopes.within(caller, async (bound) => {
        const platform = options.platform ?? deps.platform;
        const { source, fetcher } = rooms.of(bound);
        const image = await source.resolve(name, bound, { platform, local: false });
        if (options.layers === true) await fetchLayers(image.layers, fetcher, bound.signal, options.listener);
        return await nameAsPulled(name, image, options.platform !== undefined, bound, deps);
      }),

    push: (name, caller, listener = {}) =>
      scopes.within(caller, (bound) => rooms.of(bound).pusher.push(name, bound, listener)),

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
        for (const { name } of names) results.push(await rooms.of(bound).pusher.push(name, bound, listener));
        return results;
      }),

    copy: (from, to, caller, options, listener) =>
      scopes.within(caller, (bound) => rooms.of(bound).copier.copy(from, to, bound, options, listener)),

    copyAll: (from, to, caller, options, listener) =>
      scopes.within(caller, (bound) => rooms.of(bound).copier.copyAll(from, to, bound, options, listener)),

    tag: async (name, target, caller) => {
      const { id, target: descriptor, manifest } = await local(name, caller);
      const to = fullName(target);
      await deps.names.set(caller.scope, to, { id, target: descriptor, manifest, at: deps.clock.now() });
    },

    images: (caller) => deps.names.list(caller.scope),

    inspect: async (name, caller) => {
      const image = await local(name, caller);
      const names = (await deps.names.findById(caller.scope, image.id)).map((named) => named.name);
      const resolved = await rooms.of(caller).source.open(image);
      const base = await baseOf(image.manifest, deps.platform, rooms.of(caller).deps.content);
      return { ...detailsOf(image, names, resolved), base };
    },

    remove: async (name, caller) => {
      const image = await local(name, caller);
      const isId = image.name !== nameMeant(name);
      const names = isId
        ? (await deps.names.findById(caller.scope, image.id)).map((named) => named.name)
        : [image.name];
      for (const each of names) await deps.names.remove(caller.scope, each);
      if ((await deps.names.findById(caller.scope, image.id)).length === 0)
        await dropReferrers(await manifestsOf(image, rooms.of(caller).deps.content), caller.scope, deps.names);
    },

    files: async (name, caller) => imageFiles(await local(name, caller), rooms.of(caller), caller.signal),

    save: (names, form, write, caller, options) =>
      scopes.within(caller, async (bound) => {
        const images = await Promise.all(names.map((name) => local(name, bound)));
        await saveImages(images, form, write, rooms.of(bound), bound, options);
      }),

    saveFolder: (names, folder, caller, options) =>
      scopes.within(caller, async (bound) => {
        const images = await Promise.all(names.map((name) => local(name, bound)));
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
      await deps.names.drop(referrersOf(scope));
    },
  };
}

function nameMeant(name: string): string | undefined {
  try {
    return fullName(name);
  } catch {
    return undefined; // an id of 64 digits is no reference
  }
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
  await deps.names.set(caller.scope, full, named);
  return {
    image: { ...named, name: full },
    digest: image.target.digest,
    fresh: before?.target.digest !== target.digest,
    own: image.own,
  };
}

/** What something may be said of: the image, or what an index names. */
async function manifestsOf({ target, manifest }: NamedImage, content: ContentReader): Promise<Digest[]> {
  const digests = [target.digest, manifest.digest];
  if ((await content.stat(target.digest)) === undefined) return digests;
  const top = parseManifest(await content.read(target.digest), target.mediaType);
  return top.kind === 'index' ? [...digests, ...top.value.manifests.map(({ digest }) => digest)] : digests;
}

function detailsOf(image: NamedImage, names: string[], resolved: ResolvedImage): ImageDetails {
  const { id, target, manifest, at } = image;
  const { config, layers } = resolved;
  const size = layers.reduce((sum, layer) => sum + layer.blob.size, 0);
  return { image: { id, target, manifest, at }, names, config, layers, size };
}
