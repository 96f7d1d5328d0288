import type { ImageConfig } from '../../images/config.ts';
import { type Digest, isDigest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import type { Platform } from '../../images/platform.ts';
import { familiarName, formatReference, parseReference, withDefaultTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { EngineDeps } from '../deps.ts';
import type { Caller } from '../engine.ts';
import type { ProjectRoom, ProjectRooms } from '../project-room.ts';
import { dropReferrersOf } from '../provenance/kept-referrers.ts';
import type { Scopes } from '../scopes.ts';
import { commitContainer } from './commit.ts';
import { containersOf } from './containers-of.ts';
import { imageHistory } from './history.ts';
import { importTree } from './import-tree.ts';
import { listImages, shelfImage } from './list-images.ts';
import type { FoundImage, LocalImages } from './local-images.ts';
import { pruneImages } from './prune-images.ts';
import { ImageRemoval } from './remove-image.ts';
import type { ImageShelf, ImageUser } from './shelf.ts';

/** Joins what docker knows of local images. */
export function createShelf(deps: EngineDeps, rooms: ProjectRooms, scopes: Scopes): ImageShelf {
  const { names } = deps;
  const found = async (name: string, caller: Caller): Promise<FoundImage> => {
    const image = await rooms.of(caller).local.find(name, caller.scope);
    if (image !== undefined) return image;
    throw new Problem('not-found', `No such image: ${shownName(name)}`);
  };
  const forget = async (gone: readonly FoundImage[], caller: Caller) => {
    const { content } = rooms.of(caller).deps;
    for (const image of gone) await dropReferrersOf(image, caller.scope, { names, content });
  };

  return {
    list: (caller, all) => listImages(rooms.of(caller).local, caller.scope, all),

    async find(name, caller) {
      const image = await found(name, caller);
      const { scope } = caller;
      const [[held], named] = await Promise.all([names.heldById(scope, image.id), names.findById(scope, image.id)]);
      const known = held ?? { ...image, kind: named.length > 0 ? ('image' as const) : ('layer' as const) };
      return await shelfImage(rooms.of(caller).local, { ...known, names: named.map((one) => one.name) });
    },

    async history(name, caller) {
      const { local, deps: bound } = rooms.of(caller);
      return await imageHistory(await found(name, caller), caller.scope, local, bound);
    },

    async remove(name, caller, options = {}) {
      const { local, deps: bound } = rooms.of(caller);
      const image = await found(name, caller);
      const users = options.users ?? (await usersOf(local, caller.scope));
      const removal = await ImageRemoval.of(local, bound, caller.scope, { ...options, users });
      await removal.remove(name, image);
      await forget(removal.gone, caller);
      return removal.rows;
    },

    async prune(caller, options) {
      const { local, deps: bound } = rooms.of(caller);
      const users = options.users ?? (await usersOf(local, caller.scope));
      const { rows, bytes, gone } = await pruneImages(local, bound, caller.scope, { ...options, users });
      await forget(gone, caller);
      return { rows, bytes };
    },

    commit: (request, caller) => scopes.within(caller, (bound) => commitContainer(request, bound, rooms.of(bound))),

    importTree: (tar, request, caller) =>
      scopes.within(caller, (bound) => importTree(tar, request, bound, rooms.of(bound))),

    remote: (name, caller) =>
      scopes.within(caller, async (bound) => {
        const room = rooms.of(bound);
        const { target, reference } = await room.source.target(name, bound);
        return { target, platforms: await platformsAt(formatReference(reference), bound, room, deps.platform) };
      }),

    tags: (repository, caller) => scopes.within(caller, (bound) => rooms.of(bound).copier.tags(repository, bound)),

    rootfs: (name, caller) =>
      scopes.within(caller, async (bound) => {
        const { local, mounts } = rooms.of(bound);
        const image = await found(name, bound);
        const { config, layers } = await local.facts.of(image);
        const stack = await mounts.stack(layers, bound.signal);
        const { id, target } = image;
        return { id, lowers: stack.lowers, config, digest: target.digest, release: stack.release };
      }),

    async keepFor(container, id, caller) {
      await names.set(containersOf(caller.scope), container, await found(id, caller));
    },

    async releaseFrom(container, caller) {
      await names.remove(containersOf(caller.scope), container);
    },
  };
}

/** Containers as far as images are concerned: whether one runs is known where it is kept. */
async function usersOf(images: LocalImages, scope: string): Promise<(id: Digest) => ImageUser[]> {
  const containers = await images.ofContainers(scope);
  return (asked) => containers.flatMap(({ id, name }) => (id === asked ? [{ container: name, running: false }] : []));
}

/** As docker says of what it doesn't have: names with their tag, ids as they were given. */
function shownName(name: string): string {
  try {
    return isDigest(name) || name.startsWith('sha256:') ? name : familiarName(withDefaultTag(parseReference(name)));
  } catch {
    return name;
  }
}

/** Of an index those that it lists, of an image its own. */
async function platformsAt(
  name: string,
  caller: Caller,
  { source, deps: { content } }: ProjectRoom,
  platform: Platform,
): Promise<Platform[]> {
  const { target } = await source.target(name, caller);
  const manifest = parseManifest(await content.read(target.digest), target.mediaType);
  if (manifest.kind === 'index')
    return manifest.value.manifests.flatMap((entry) => (entry.platform === undefined ? [] : [entry.platform]));
  const { config } = await source.resolve(name, caller, { platform, local: false, otherPlatform: true });
  return [platformOf(config)];
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}
