import type { AttachedClient } from './attached-client.ts';
import type { ContainerUsage, Limits, TerminalSize } from './container.ts';
import type { ContainerExecs } from './container-execs.ts';
import type { ContainerFiles } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import type { ContainerRequest } from './container-request.ts';

/**
 * Containers that outlive the request that made them, as `docker run -d` has them: with a name, a log and files that stay
 * until somebody removes them. One instance holds those of one scope; no scope sees another's.
 *
 * A container is a folder: `container.json` (written durably before anything is answered), `upper/` with its changes,
 * `log/`. It ends with the process that started it; when the folder is opened again, what was running then is `exited` with
 * 137, and those that were to be removed at their end are. Ids are 64 hex digits; whoever names one may use its name, the id
 * or a beginning of the id that only one has.
 */
export interface Containers {
  /** @throws Problem `conflict` (docker's text about the name), `not-found` (image), `invalid` */
  create(request: ContainerRequest): Promise<ContainerRecord>;
  /** @throws Problem `not-found`: `No such container: NAME` */
  get(name: string): ContainerRecord;
  list(): ContainerRecord[];
  /** No error when it runs. @throws Problem `invalid` with exitCode 126 or 127 when its program can't be run */
  start(name: string): Promise<{ alreadyRunning: boolean }>;
  /** SIGTERM (or the image's stop signal), and after `seconds` SIGKILL; -1 waits for ever. */
  stop(name: string, seconds?: number): Promise<{ alreadyStopped: boolean }>;
  restart(name: string, seconds?: number): Promise<void>;
  /** @throws Problem `conflict` when it doesn't run */
  kill(name: string, signal?: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  rename(name: string, to: string): Promise<void>;
  update(name: string, limits: Limits): Promise<void>;
  resize(name: string, size: TerminalSize): void;
  /** @throws Problem `conflict` when it runs and `force` is not set */
  remove(name: string, options?: { force?: boolean; volumes?: boolean }): Promise<void>;
  /**
   * When `condition` comes true: `not-running` may be now, `next-exit` begins to look now, `removed` when its folder has gone.
   * The promise is registered before this returns, so that a start that follows can't be missed.
   */
  wait(name: string, condition: WaitCondition): Promise<{ code: number; error?: string }>;
  /**
   * Joins streams of a container that runs or will. With `stdin`, what comes out of the socket goes in; the end of it ends the
   * input where `stdinOnce` is set. Resolves when the container's output has ended, the client has gone or it detached.
   */
  attach(name: string, client: AttachedClient, signal: AbortSignal): Promise<void>;
  /** Lines from the log, framed like an attached stream unless it has a terminal. */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<Buffer>;
  processes(name: string): Promise<number[]>;
  usage(name: string): Promise<ContainerUsage>;
  /** What it changed against its image. */
  changes(name: string): Promise<{ path: string; kind: 'modified' | 'added' | 'deleted' }[]>;
  /** Bytes of its upper folder. */
  size(name: string): Promise<number>;
  files: ContainerFiles;
  execs: ContainerExecs;
  /**
   * Holds its files still enough to be read as an image: `upper` and `lowers` are whole folders.
   * @param pause freezes a running container for the time of `work`
   */
  withFiles<T>(
    name: string,
    pause: boolean,
    work: (files: { upper: string; lowers: string[] }) => Promise<T>,
  ): Promise<T>;
  /**
   * Ends what runs and forgets nothing: the records say so when they are opened again. With `drop`, removes everything.
   * @param options.seconds for whoever listens for its stop signal to end by itself; 0, and all is killed, when absent
   */
  close(options?: { drop?: boolean; seconds?: number }): Promise<void>;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface LogOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  /** Milliseconds since 1970. */
  since?: number | undefined;
  until?: number | undefined;
  /** The last so many lines; absent: all. */
  tail?: number | undefined;
}
