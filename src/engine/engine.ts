import type { ImageConfig } from '../images/config.ts';
import type { Descriptor } from '../images/descriptor.ts';
import type { Digest } from '../images/digest.ts';
import type { Layer } from '../images/layer.ts';
import type { Platform } from '../images/platform.ts';
import type { RegistryCredentials } from '../images/remote/hosts.ts';
import type { Place } from '../lib/problem.ts';
import type { LocalImage, NamedImage } from '../stores/names/names.ts';
import type { ImageShelf } from './local/shelf.ts';
import type { ImageBuildRequest } from './request.ts';
import type { ListedEntry } from './trees/listing.ts';

/** Who asks. */
export interface Caller {
  /** Whose local image names: `build:<id>` or `owner`. */
  scope: string;
  /** Trust domain of the layer cache and of our own registry's rights. */
  project: string;
  actor: string;
  signal: AbortSignal;
  /** Who to be to other registries in this call alone, by host; where it knows nothing, the server's own credentials count. */
  credentials?: ((host: string) => Promise<RegistryCredentials | undefined>) | undefined;
}

export interface StepReport {
  text: string;
  place: Place;
  status: 'cached' | 'ran' | 'metadata';
  ms: number;
  layer?: Layer | undefined;
  /** Why it was not cached. */
  reason?: string | undefined;
  /** What the reason is about, line by line: files with their old and new digests, and what would have kept it cached. */
  details?: string[] | undefined;
  /** Of a cached step the build that made it; of one that ran the build that the reason compares with. */
  since?: CacheOrigin | undefined;
}

/** A record of the layer cache as a person knows it. */
export interface CacheOrigin {
  /** Scope of the build, or empty when only the cache that it came from is known. */
  build: string;
  /** Milliseconds since 1970. */
  at: number;
  /** Name of the image or cache that it came from. */
  importedFrom?: string | undefined;
}

export interface ImageBuildResult {
  /** One for each target, in the order of the request. */
  images: BuiltImage[];
  steps: StepReport[];
}

export interface BuiltImage {
  image: LocalImage;
  tags: string[];
  /** True when the build was FROM alone and the base's bytes were kept. */
  kept: boolean;
}

export interface PullResult {
  image: NamedImage;
  /** Of what the name means in its registry: an index has its own. */
  digest: Digest;
  /** The name meant something else here before, or nothing. */
  fresh: boolean;
  /** We serve that host ourselves. */
  own: boolean;
}

export interface PushResult {
  reference: string;
  tag: string;
  digest: Digest;
  /** Bytes of the manifest. */
  size: number;
  own: boolean;
}

export interface CopyOptions {
  /** Of an index these alone: the index itself stays whole, so that its digest does. Absent: all. */
  platforms?: readonly Platform[] | undefined;
  /** False leaves signatures, attestations and whatever else refers to the image where it is. */
  referrers?: boolean | undefined;
}

export interface SaveOptions extends CopyOptions {
  /** In docker's own list of names: `api:1`, as dockerd writes it, for `docker.io/library/api:1`. */
  shortNames?: boolean | undefined;
}

/** What `copy` did; blobs are counted once, however many platforms share them. */
export interface CopyResult {
  source: string;
  target: string;
  /** The same as at the source; the target was asked for it at the end. */
  digest: Digest;
  mediaType: string;
  /** Of the image, without its referrers. */
  manifests: number;
  /** `os/arch[/variant]` of an index. */
  platforms: string[];
  /** Platforms of the index that were not copied, because others were asked for. */
  leftOut: string[];
  referrers: CopiedReferrer[];
  /** Blobs that the target had. */
  present: number;
  /** Blobs that the target took over from another of its repositories. */
  mounted: number;
  sent: number;
  bytesSent: number;
}

/** Something that is said of a manifest. */
export interface CopiedReferrer {
  /** Of the image or one of its platforms, or of another referrer. */
  subject: Digest;
  digest: Digest;
  artifactType?: string | undefined;
  /** Of cosign's own: it is known by its tag alone. */
  tag?: string | undefined;
}

/** Hears of the layers of an image on their way, by the digest of the blob and in docker's words. */
export interface TransferListener<State extends string> {
  /** @param from the repository that a layer was mounted from */
  onLayer?: (layer: Digest, state: State, from?: string) => void;
  /** Called often. */
  onBytes?: (layer: Digest, current: number, total: number) => void;
}

export type PushListener = TransferListener<'Preparing' | 'Pushed' | 'Layer already exists' | 'Mounted'>;

export interface PullListener extends TransferListener<'Already exists' | 'Pulling fs layer' | 'Pull complete'> {
  /** The name means something that can be pulled; layers follow. */
  onResolved?: (image: PullTarget) => void;
}

export interface PullTarget {
  /** Of what the name means in its registry. */
  digest: Digest;
  id: Digest;
  layers: readonly Layer[];
  /** The scope has that image, whatever it is called. */
  isKnown: boolean;
}

export interface PullOptions {
  platform?: Platform | undefined;
  /** Brings the layers as well, which otherwise stay where they are until something needs them. */
  layers?: boolean | undefined;
  listener?: PullListener | undefined;
}

export interface ImageDetails {
  image: LocalImage;
  names: string[];
  config: ImageConfig;
  layers: Layer[];
  /** Bytes of the layers as they are stored. */
  size: number;
  /** What it was built on, where the manifest tells. */
  base?: BaseImage | undefined;
}

/** The image of a FROM line, as the OCI annotations of the image built on it name it. */
export interface BaseImage {
  name: string;
  digest: Digest;
  /** So many of the lowest layers are the base's; unknown when its manifest isn't here. */
  layers?: number;
  /** So many of the oldest history entries are the base's. */
  entries?: number;
}

/** What each layer of an image holds, the lowest first. */
export type ImageFiles = LayerFiles[];

export interface LayerFiles {
  layer: Layer;
  entries: ({ path: string } & ListedEntry)[];
  /** Paths of lower layers that this one takes away. */
  removed: string[];
  /** Folders of lower layers that this one empties before it fills them. */
  emptied: string[];
}

/** An image that an archive brought. */
export interface LoadedImage {
  image: LocalImage;
  names: string[];
}

/** A root file system to run something in; the snapshots stay until it is released. */
export interface MountableRootfs {
  lowers: string[];
  config: ImageConfig;
  digest: Digest;
  release(): Promise<void>;
}

/**
 * The engine as the rooms above see it: images are built, fetched, named, sent and unpacked here. Every call belongs to a
 * caller (scope for names, project for the cache, actor for rights and audit) and is cancelled by its signal.
 *
 * What a registry host means is decided in one place (transfer/): a host that we *are* is served from our own store
 * without moving a byte, any other is spoken to through images/remote, by its mirrors first. Base layers are fetched only
 * when something needs their bytes: a RUN, a COPY --from, a step's root file system, or a push to ourselves.
 */
export interface Engine {
  /** What else docker does with local images. */
  readonly shelf: ImageShelf;
  /**
   * Builds and names an image. Nothing is named unless everything succeeded.
   * @throws Problem with the place in the Dockerfile
   */
  build(request: ImageBuildRequest, caller: Caller): Promise<ImageBuildResult>;
  /** @throws Problem `not-found` (docker's text), `unavailable`, `denied` */
  pull(name: string, caller: Caller, options?: PullOptions): Promise<PullResult>;
  /** @throws Problem `not-found` (`An image does not exist locally with the tag: ...`), `denied`, `unavailable` */
  push(name: string, caller: Caller, listener?: PushListener): Promise<PushResult>;
  /** Every tag that this scope has of the repository, as `docker push --all-tags`. */
  pushAll(repository: string, caller: Caller, listener?: PushListener): Promise<PushResult[]>;
  /**
   * From one registry to another, either of which may be ours: all platforms and what refers to them, byte for byte,
   * nothing named locally. The tag comes last, so that whoever sees it finds everything. What the target has is not sent
   * again, so a copy that was broken off goes on where it was.
   * @throws Problem `not-found`, `denied`, `unavailable`; `invalid` when the target ends up with another digest
   */
  copy(
    source: string,
    target: string,
    caller: Caller,
    options?: CopyOptions,
    listener?: PushListener,
  ): Promise<CopyResult>;
  /** Every tag of a repository, under the same tags. @param source a name without a tag, like `target` */
  copyAll(
    source: string,
    target: string,
    caller: Caller,
    options?: CopyOptions,
    listener?: PushListener,
  ): Promise<CopyResult[]>;
  /** @throws Problem `not-found` */
  tag(source: string, target: string, caller: Caller): Promise<void>;
  /** By name; those by digest alone that no tag of the same repository means. */
  images(caller: Caller): Promise<NamedImage[]>;
  /** A local name or id. @throws Problem `not-found` */
  inspect(name: string, caller: Caller): Promise<ImageDetails>;
  remove(name: string, caller: Caller): Promise<void>;
  /** The file tables of an image's layers; nothing is unpacked. @throws Problem `not-found`, `unavailable` */
  files(name: string, caller: Caller): Promise<ImageFiles>;
  /**
   * Local images as one archive, which `write` gets once: `docker` for docker load and podman load, of this machine's
   * platform; `oci` for an image layout with all platforms and with what refers to them, as a copy has.
   * @throws Problem `not-found`, `unavailable`; whatever `write` throws
   */
  save(
    names: readonly string[],
    form: 'oci' | 'docker',
    write: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
    caller: Caller,
    options?: SaveOptions,
  ): Promise<void>;
  /**
   * The same as a folder of this machine, which may hold an image layout already.
   * @throws as `save`; Problem `invalid` when the folder holds something else
   */
  saveFolder(names: readonly string[], folder: string, caller: Caller, options?: CopyOptions): Promise<void>;
  /**
   * Takes in the images of such an archive, plain or packed, and names them as it says; nothing is named unless all of it
   * is what it says.
   * @param name another name, for the only image
   * @throws Problem `invalid`
   */
  load(bytes: AsyncIterable<Uint8Array>, caller: Caller, name?: string): Promise<LoadedImage[]>;
  /** The same from a folder with an image layout. @throws Problem `invalid`, `not-found` */
  loadFolder(folder: string, caller: Caller, name?: string): Promise<LoadedImage[]>;
  /** Local if the scope has it, else pulled; unpacked so that containers can run on it. */
  rootfs(name: string, caller: Caller): Promise<MountableRootfs>;
  /** Ends a scope: names go, in-flight work is cancelled. */
  endScope(scope: string): Promise<void>;
}

/** A manifest and config that were resolved; bytes of layers may still be elsewhere. */
export interface ResolvedImage {
  reference: string;
  /** What the name means: an index or a manifest. */
  target: Descriptor;
  /** The manifest of the platform asked for. */
  manifest: Descriptor;
  config: ImageConfig;
  configDigest: Digest;
  layers: Layer[];
  /** A registry, ours or another, was asked what the name means. */
  asked?: boolean | undefined;
}
