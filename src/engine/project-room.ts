import type { RegistryClient } from '../images/remote/client.ts';
import type { EngineDeps, ProjectDeps } from './deps.ts';
import type { Caller } from './engine.ts';
import { LayerTrees } from './layers/layer-trees.ts';
import { ImageFactsMemory } from './local/image-facts.ts';
import { LocalImages } from './local/local-images.ts';
import type { SnapshotStore } from './snapshots/snapshot-store.ts';
import { TreeMounts } from './snapshots/tree-mounts.ts';
import { Copier } from './transfer/copy.ts';
import { BlobFetcher } from './transfer/fetch.ts';
import { PartSender } from './transfer/part-sender.ts';
import { ProjectContent } from './transfer/project-content.ts';
import { Pusher } from './transfer/push.ts';
import { readImage } from './transfer/read-image.ts';
import { ImageSource } from './transfer/source.ts';
import type { ListingStore } from './trees/listing.ts';

/** What works with images for one project: nothing in it gives bytes that the project has not had. */
export interface ProjectRoom {
  deps: ProjectDeps;
  source: ImageSource;
  local: LocalImages;
  fetcher: BlobFetcher;
  pusher: Pusher;
  copier: Copier;
  trees: LayerTrees;
  mounts: TreeMounts;
}

/** Gives each project its room; trees and listings are shared, because they are proven for whoever asks. */
export class ProjectRooms {
  readonly #deps: EngineDeps;
  readonly #snapshots: SnapshotStore;
  readonly #listings: ListingStore;
  readonly #rooms = new Map<string, ProjectRoom>();
  /** Of callers with credentials of their own, which must not open a registry to anybody else; each goes with its caller. */
  readonly #own = new WeakMap<NonNullable<Caller['credentials']>, ProjectRoom>();

  constructor(deps: EngineDeps, snapshots: SnapshotStore, listings: ListingStore) {
    this.#deps = deps;
    this.#snapshots = snapshots;
    this.#listings = listings;
  }

  of(caller: Caller): ProjectRoom {
    const everything = this.#deps.readsEverything?.(caller) ?? false;
    const { credentials } = caller;
    const { remoteAs } = this.#deps;
    if (credentials !== undefined && remoteAs !== undefined) {
      const room = this.#own.get(credentials) ?? this.#make(caller.project, everything, remoteAs(credentials));
      this.#own.set(credentials, room);
      return room;
    }
    const key = `${everything} ${caller.project}`;
    const room = this.#rooms.get(key) ?? this.#make(caller.project, everything, this.#deps.remote);
    this.#rooms.set(key, room);
    return room;
  }

  #make(project: string, everything: boolean, remote: RegistryClient): ProjectRoom {
    const { content: all, blobs } = this.#deps;
    const content = new ProjectContent(all, blobs, { project, everything });
    const origins: ProjectDeps['origins'] = {
      noteSources: (sources) => blobs.noteSources(project, sources),
      sources: (digest) => (everything ? blobs.sources(digest) : blobs.sources(digest, project)),
    };
    const deps: ProjectDeps = { ...this.#deps, remote, content, origins };
    const fetcher = new BlobFetcher(deps);
    const trees = new LayerTrees(content, fetcher, this.#listings);
    const facts = new ImageFactsMemory((image) => readImage(image.id, image, content), trees);
    const local = new LocalImages(deps, facts);
    const source = new ImageSource(deps, fetcher, local);
    const mounts = new TreeMounts(this.#snapshots, content, fetcher, trees);
    const sender = new PartSender(deps, fetcher);
    const pusher = new Pusher(deps, source, sender);
    return { deps, source, local, fetcher, pusher, copier: new Copier(deps, source, sender), trees, mounts };
  }
}
