import type { ImageConfig, RunConfig } from '../../images/config.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { Platform } from '../../images/platform.ts';
import type { HeldImage, LocalImage } from '../../stores/names/names.ts';
import type { Caller, MountableRootfs } from '../engine.ts';

/**
 * The local images of a scope as docker has them: with and without names, made of each other, used by containers. A name is
 * whatever `LocalImages` understands: a reference, an id or its beginning, a layer, `IMAGE#n`.
 */
export interface ImageShelf {
  /**
   * In the order in which they came. What cannot be read is left out.
   * @param all steps, too, of which something else was made
   */
  list(caller: Caller, all: boolean): Promise<ShelfImage[]>;
  /** @throws Problem `not-found`: `No such image: NAME:TAG` */
  find(name: string, caller: Caller): Promise<ShelfImage>;
  /** Newest first. @throws as `find` */
  history(name: string, caller: Caller): Promise<HistoryRow[]>;
  /**
   * Takes a name away, or an image with all its names; images that it was made of and that nothing needs go with it.
   * @throws Problem `not-found`, `conflict` in docker's words
   */
  remove(name: string, caller: Caller, options?: RemoveOptions): Promise<RemovedRow[]>;
  /** Images that nothing needs. */
  prune(caller: Caller, options: PruneOptions): Promise<{ rows: RemovedRow[]; bytes: number }>;
  /** An image of another one and of what a container changed. */
  commit(request: CommitRequest, caller: Caller): Promise<LocalImage>;
  /**
   * An image of one layer, which is a tar, plain or packed.
   * @throws Problem `invalid` when it is none
   */
  importTree(tar: AsyncIterable<Uint8Array>, request: ImportRequest, caller: Caller): Promise<LocalImage>;
  /** What a name means in its registry, without a pull. @throws as `Engine.pull` */
  remote(name: string, caller: Caller): Promise<{ target: Descriptor; platforms: Platform[] }>;
  /** The tags of a repository, wherever it is. @throws as `Engine.pull` */
  tags(repository: string, caller: Caller): Promise<string[]>;
  /** Of something that `find` finds, for a container that is kept. @throws as `find` */
  rootfs(name: string, caller: Caller): Promise<MountableRootfs & { id: Digest }>;
  /** The image stays as long as the container does. */
  keepFor(container: string, id: Digest, caller: Caller): Promise<void>;
  releaseFrom(container: string, caller: Caller): Promise<void>;
}

export interface ShelfImage extends HeldImage {
  /** Whole references with a tag, sorted. */
  tags: string[];
  /** `host/repository@digest`, as which it was pulled or pushed. */
  digests: string[];
  config: ImageConfig;
  layers: readonly Layer[];
  /** Bytes of each layer's files where they are known, else of its blob. */
  layerSizes: readonly number[];
  size: number;
}

export interface HistoryRow {
  /** Of the image that the entry made, where that is known here. */
  id?: Digest | undefined;
  /** Whole references. */
  tags: string[];
  created?: string | undefined;
  createdBy: string;
  comment: string;
  layer?: Layer | undefined;
  /** 0 for an entry without a layer. */
  size: number;
}

/** What went: a name; an image, or the tree of layers that went with it. */
export type RemovedRow = { untagged: string } | { deleted: Digest; isImage: boolean };

export interface RemoveOptions {
  force?: boolean | undefined;
  /** Leaves what it was made of. */
  noPrune?: boolean | undefined;
  /** Containers that stand on an image; absent: those that are noted, none of which is said to run. */
  users?: ((id: Digest) => readonly ImageUser[]) | undefined;
}

export interface ImageUser {
  container: string;
  running: boolean;
}

export interface PruneOptions extends Pick<RemoveOptions, 'users'> {
  /** Those without a tag alone; else all that no container uses. */
  dangling: boolean;
  wanted?: ((image: ShelfImage) => boolean) | undefined;
}

export interface CommitRequest {
  /** The container's image. */
  image: Digest;
  /** Folder of overlayfs with what the container changed. */
  upper: string;
  /** As the container was asked to run: variables, labels, ports and volumes besides the image's, the rest in their place. */
  config: RunConfig;
  /** What history says of the layer; absent: the image's command. */
  createdBy?: string | undefined;
  /** Dockerfile instructions for the config. */
  changes: readonly string[];
  author: string;
  comment: string;
  /** A whole reference; absent: the image has no name. */
  name?: string | undefined;
}

export interface ImportRequest extends Pick<CommitRequest, 'changes' | 'name'> {
  comment: string;
  platform?: Platform | undefined;
}
