import type { ControlService } from '../../doors/control/routes.ts';
import type { ControlMethod, ServerStatus } from '../../doors/control/wire.ts';
import type { CollectReport } from '../../stores/content/collect.ts';
import type { Owner } from '../owner.ts';
import { VERSION } from '../version.ts';
import { houseCalls } from './house-calls.ts';
import { registryCalls } from './registry-calls.ts';
import { secretCalls } from './secret-calls.ts';
import { tokenCalls } from './token-calls.ts';

export interface ControlParts {
  owner: Owner;
  /** Base URL of the HTTP doors; empty when none is open. */
  url: string;
  /** Path of the docker door's socket; empty when none is open. */
  dockerSocket: string;
  /** Of the queue of builds; absent where none is run. */
  builds?(): Promise<ServerStatus['builds']>;
  /** One round of housekeeping. */
  clean(): Promise<CollectReport>;
  /** The engine, wherever it runs. */
  engine(name: string, request: unknown, emit: (event: unknown) => void, signal: AbortSignal): Promise<unknown>;
}

/** The calls of the command line, answered by the owner of the data folder. */
export function controlService(parts: ControlParts): ControlService {
  const { owner, url, dockerSocket } = parts;
  const startedAt = Date.now();
  const engine = <M extends ControlMethod>(name: M): ControlService[M] =>
    // the engine's own types are checked where the call is made (worker-calls.ts); between processes it is JSON
    ((request: unknown, emit: (event: unknown) => void, signal: AbortSignal) =>
      parts.engine(name, request, emit, signal)) as unknown as ControlService[M];
  return {
    status: async () => ({
      version: VERSION,
      pid: process.pid,
      url,
      data: owner.folder.root,
      dockerSocket,
      startedAt,
      location: owner.config.registries.defaultLocation,
      builds: (await parts.builds?.()) ?? { running: 0, waiting: await owner.queue.waiting(), draining: false },
      upstreams: await owner.pulls.upstreamStates(),
    }),
    build: engine('build'),
    images: engine('images'),
    inspect: engine('inspect'),
    tag: engine('tag'),
    remove: engine('remove'),
    pruneImages: engine('pruneImages'),
    pull: engine('pull'),
    push: engine('push'),
    save: engine('save'),
    load: engine('load'),
    copy: engine('copy'),
    ...tokenCalls(owner, url),
    ...registryCalls(owner),
    ...secretCalls(owner),
    ...houseCalls(owner, parts.clean),
  };
}
