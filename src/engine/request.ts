import type { Limits, Network } from '../containers/container.ts';
import type { Platform } from '../images/platform.ts';
import type { BuildEvent } from './events.ts';
import type { Watch } from './progress.ts';

/** What one image build is asked to do. The fields are docker's flags; what is absent has docker's default. */
export interface ImageBuildRequest {
  context: ContextSource;
  /**
   * Path of the Dockerfile below the context; or its text, and that of an ignore file that goes with it alone. Of a context
   * that is asked for it is the text, and there is no other ignore file.
   */
  dockerfile:
    | { path: string }
    | { text: string; name: string; ignore?: string | undefined; ignoreName?: string | undefined };
  /** What is built of the file: several targets share every stage that they have in common. At least one. */
  targets: BuildTarget[];
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
  platform?: Platform | undefined;
  /** `--build-context`: by name, what FROM, COPY --from and mounts of that name mean. */
  contexts?: Record<string, NamedContext> | undefined;
  cacheFrom: CacheImport[];
  cacheTo?: CacheExport[] | undefined;
  noCache: boolean;
  /** Stages (by name or number) whose instructions run again; the others may be cached. */
  noCacheFilter?: string[] | undefined;
  /** Ask upstream again even when the base is known. */
  pull: boolean;
  /** What `default` means for RUN lines: the build's own bridge, none or host. */
  network: Network;
  /** What the containers of RUN lines are given; absent: what every container has. */
  run?: RunSettings | undefined;
  /** What RUN lines may ask for beyond the sandbox; the server's owner has to allow it too. */
  allow?: Entitlement[] | undefined;
  /** The value of a secret, asked for when a RUN mounts it; it never enters a key, a record, a log or a layer. */
  secret?: ((id: string) => Promise<Uint8Array | undefined>) | undefined;
  /** Socket of an ssh agent on this machine. */
  ssh?: ((id: string) => string | undefined | Promise<string | undefined>) | undefined;
  /** Files to write beside naming the image. */
  outputs?: BuildOutput[] | undefined;
  /** Adds a SLSA provenance statement as a referrer of the image; `max` also says arguments and layers. */
  provenance?: 'min' | 'max' | undefined;
  /** Only the checks of the Dockerfile: warnings are events, nothing is built. */
  checkOnly?: boolean | undefined;
  /** Tell of every instruction, and which image it would give: `steps` and `step` events, as classic progress needs them. */
  stepImages?: boolean | undefined;
  onEvent: (event: BuildEvent) => void;
}

/** They bound a command or lead it to other machines. Of these only `extraHosts` decide what it makes, and enter its key. */
export interface RunSettings {
  /** `name:ip` */
  extraHosts?: string[];
  limits?: Limits;
  ulimits?: { name: string; soft: number; hard: number }[];
  shmBytes?: number;
}

export interface BuildTarget {
  /** Name or number of the stage; absent: the last. */
  stage?: string | undefined;
  tags: string[];
}

/** Where files come from. Every path below a folder is opened so that links cannot lead out of it. */
export type ContextSource =
  /** `states`: a file that goes with the folder, for what is learnt of its content; absent: the engine keeps one itself. */
  | { kind: 'folder'; path: string; states?: string | undefined }
  /** An archive on this machine: plain, gzip, bzip2, xz or zstd. */
  | { kind: 'tar'; path: string }
  /** A git repository (`#ref:folder`), or an archive or a lone Dockerfile behind http(s). */
  | { kind: 'url'; url: string }
  /** No files: the Dockerfile came alone. */
  | { kind: 'empty' }
  /** Files of somebody elsewhere, for the time of the build: brought when it is known which of them it needs. */
  | { kind: 'asked'; open: (ask: ContextAsk) => Promise<LentFolder> };

export interface ContextAsk {
  /** Paths and globs below the context, whose links are followed; absent: everything. */
  paths?: readonly string[] | undefined;
  /** Told how many bytes have come. */
  watch: Watch;
  signal: AbortSignal;
}

/** A folder of this machine that nobody writes to until it is released. */
export interface LentFolder {
  path: string;
  /** As of a folder. */
  states?: string | undefined;
  release(): Promise<void>;
}

export type NamedContext =
  | ContextSource
  | { kind: 'image'; reference: string }
  /** A folder in OCI image-layout; `reference` is a tag or a digest in its index. */
  | { kind: 'layout'; path: string; reference?: string | undefined };

export type CacheImport =
  /** An image with BuildKit's inline cache or a plain history, or a cache artifact of ours, by its own name. */
  | { kind: 'registry'; reference: string }
  /** A folder that a CacheExport wrote; `name` is what the person calls it, where the path is another. */
  | { kind: 'local'; path: string; name?: string | undefined };

export type CacheExport =
  /** BuildKit's inline records in the config of the image. */
  | { kind: 'inline' }
  /** An artifact of its own; `min` has the layers of the image, `max` those of every stage. */
  | { kind: 'registry'; reference: string; mode: 'min' | 'max' }
  | { kind: 'local'; path: string; name?: string | undefined; mode: 'min' | 'max' };

export type Entitlement = 'security.insecure' | 'network.host';

/** Where a build's result goes besides the names of its images. */
export type BuildOutput =
  /** The root file system as files below a folder. */
  | { kind: 'local'; folder: string }
  /** One archive: the root file system (`tar`), OCI image-layout (`oci`), or what `docker load` takes (`docker`). */
  | {
      kind: 'tar' | 'oci' | 'docker';
      /** What is written counts once it resolves; whatever the bytes throw comes out of it. */
      write: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
      /** Whole references that the archive's images have besides their tags. */
      names?: string[] | undefined;
    };
