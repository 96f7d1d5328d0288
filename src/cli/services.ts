import type { Build } from '../builds/build.ts';
import type { BuildRequest } from '../builds/request/request.ts';
import type { ProcessIo, StartedContainer } from '../containers/container.ts';
import type { ControlCalls, ControlMethod } from '../doors/control/wire.ts';
import type { Digest } from '../images/digest.ts';

export interface ControlClient {
  /** @throws Problem whatever the server complains of */
  call<M extends ControlMethod>(
    method: M,
    request: ControlCalls[M]['request'],
    onEvent?: (event: ControlCalls[M]['event']) => void,
    signal?: AbortSignal,
  ): Promise<ControlCalls[M]['result']>;
  close(): Promise<void>;
}

export interface ServeOptions {
  data: string;
  listen?: string | undefined;
  /** Path of the docker door's socket; DATA/docker.sock if absent. */
  dockerSocket?: string | undefined;
  /** Where blobs are kept: `disk`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`. */
  content?: string | undefined;
}

/** While another command owns the data folder, this one waits for its end. */
export interface OwnerWait {
  signal: AbortSignal;
  /** Called once, when there is something to wait for. */
  waiting(): void;
}

export interface RestoreOptions {
  /** What `slipway backup` was given. */
  backup: string;
  /** The latest if absent. */
  snapshot?: string | undefined;
  /** The new data folder. */
  data: string;
  signal: AbortSignal;
}

export interface RestoreReport {
  name: string;
  /** The bucket that the blobs are in, where that is not this disk. */
  elsewhere?: string | undefined;
  blobs: number;
  bytes: number;
  /** Blobs that the backup lacks, or holds damaged. */
  absent: Digest[];
}

export interface LocalBuildRequest {
  /** Not yet substituted. */
  request: BuildRequest;
  project: string;
  location: string;
  /** Fills /workspace. */
  fill?: ((workspace: string, say: (line: string) => void) => Promise<void>) | undefined;
  /** A folder that is /workspace itself. */
  workspace?: string | undefined;
  /** /workspace stays, at DATA/kept/<build id>. */
  keepWorkspace: boolean;
  isChosen(index: number): boolean;
  /** Whether `images` and artifacts are delivered at the end. */
  pushes: boolean;
  /** Takes the build's log as it grows, in whole lines. */
  print(text: string): void;
  /** Called when a step has failed in a container; absent: nobody wants to look around there. */
  shell?: StartShell | undefined;
}

export type StartShell = (
  step: { index: number; exitCode: number },
  start: (args: string[], io: ProcessIo) => Promise<StartedContainer>,
) => Promise<void>;

export interface LocalBuilds {
  /** To its end, whatever that is. */
  run(request: LocalBuildRequest, signal: AbortSignal): Promise<Build>;
  close(): Promise<void>;
}

/** What the command line needs of the program around it; start/ gives it, and loads it only when it is called. */
export interface CliServices {
  version: string;
  /** Folder of package.json: the example and the scripts that make its bases lie in it. */
  root: string;
  /** Runs the server until a signal ends it; gives the exit code. */
  serve(options: ServeOptions): Promise<number>;
  /** Lays a backup out as a new data folder. */
  restore(options: RestoreOptions): Promise<RestoreReport>;
  /** Becomes the owner of a data folder that has none, for one command. */
  openOwner(data: string, wait: OwnerWait): Promise<ControlClient>;
  /** Builds in this process, with the rows of the server that runs there or as the owner. */
  openLocalBuilds(data: string, wait: OwnerWait): Promise<LocalBuilds>;
}
