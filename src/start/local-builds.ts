import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logBucketName } from '../adapters/disk/log-bucket-name.ts';
import { connectObjects } from '../adapters/owner/client.ts';
import { type Build, mayBecome } from '../builds/build.ts';
import { newBuild } from '../builds/new-build.ts';
import type { BuildDeps } from '../builds/run/build-deps.ts';
import type { LocalRun } from '../builds/run/local-run.ts';
import { runBuild } from '../builds/run/run-build.ts';
import { builtInsOf, resolveRequest } from '../builds/submit.ts';
import { serverAnswers, socketClient } from '../cli/control-client.ts';
import type { LocalBuildRequest, LocalBuilds, OwnerWait, StartShell } from '../cli/services.ts';
import { type Config, readConfig } from '../config.ts';
import type { ContainerRuntime, ContainerStarter } from '../containers/container.ts';
import { currentOwner, ownerLives } from '../containers/sandbox/owner.ts';
import { type DataFolder, dataFolder } from '../lib/data-folder.ts';
import { hasErrorCode } from '../lib/problem.ts';
import { removeTree } from '../lib/remove-tree.ts';
import type { LogWriter } from '../stores/logs/logs.ts';
import { buildDepsOver } from './build-deps.ts';
import { contentOver } from './content-place.ts';
import { engineOver } from './engine.ts';
import { ownerInTurn } from './local.ts';
import { openLocalDoors } from './local-doors.ts';
import { pullsOver } from './pulls.ts';
import { RegistrySettings } from './registries.ts';
import type { RowObjects } from './rows.ts';
import { runtimeOver } from './runtime.ts';
import { type Stores, storesOver } from './stores.ts';

/** Where a build of this kind has its folder: its process is in the name, so that those of the dead can be told. */
const RUN_PREFIX = 'run@';

interface Place {
  stores: Stores;
  folder: DataFolder;
  config: Config;
  /** HOST:PORT of doors that stand in for a server's. */
  doors?: string;
  /** Given when the server has gone, without whose rows nothing can go on. */
  lost?: AbortSignal;
  close(): Promise<void>;
}

/**
 * Builds in this process (`slipway run`). Where a server runs on the data folder, this process is to it what its workers
 * are: rows come from it, bytes are files that both have. Else it is the owner itself, for as long as the build takes.
 */
export async function openLocalBuilds(data: string, wait: OwnerWait): Promise<LocalBuilds> {
  const folder = dataFolder(data);
  const place = (await serverAnswers(folder.socket)) ? await besideServer(folder) : await asOwner(data, wait);
  try {
    const runtime = runtimeOver(folder, place.config);
    await runtime.sweep();
    await removeDeadRuns(folder);
    return { run: (request, signal) => runHere(request, place, runtime, signal), close: () => place.close() };
  } catch (error) {
    await place.close();
    throw error;
  }
}

async function asOwner(data: string, { signal, waiting }: OwnerWait): Promise<Place> {
  const owner = await ownerInTurn(data, signal, waiting);
  try {
    await owner.dropBuildLeftovers();
    const { stores, folder, config } = owner;
    const doors = await openLocalDoors(owner);
    const close = async () => {
      await doors.close();
      await owner.close();
    };
    return { stores, folder, config, doors: doors.address, close };
  } catch (error) {
    await owner.close();
    throw error;
  }
}

async function besideServer(folder: DataFolder): Promise<Place> {
  const { url } = await socketClient(folder.socket).call('status', {});
  const connection = await connectObjects<RowObjects>(folder.rowsSocket);
  const config = { ...readConfig(folder.config), listen: url.replace(/^https?:\/\//, '') };
  const rows = connection.objects as RowObjects;
  const stores = storesOver(rows, folder, contentOver(folder, config, rows.blobs));
  return { stores, folder, config, lost: connection.closed, close: async () => connection.close() };
}

async function runHere(
  request: LocalBuildRequest,
  home: Place,
  runtime: ContainerRuntime & ContainerStarter,
  signal: AbortSignal,
): Promise<Build> {
  const { project, location, print } = request;
  const id = randomUUID();
  const resolved = resolveRequest(request.request, builtInsOf(id, project, location));
  const place = { id, project, location, logsBucket: 'gs://terminal', logUrl: '' };
  const made = newBuild(resolved, place, Date.now());
  // whoever runs it wants to read it, also where nobody is to keep it
  const build: Build = { ...made, options: { ...made.options, logging: 'LEGACY' } };
  const local: LocalRun = {
    fill: request.fill,
    inPlace: request.workspace,
    keepAt: request.keepWorkspace ? join(home.folder.root, 'kept', id) : undefined,
    isChosen: request.isChosen,
    pushes: request.pushes,
    failed: request.shell && shellAfter(request.shell, runtime),
  };
  const runs = join(home.folder.builds, `${RUN_PREFIX}${currentOwner()}`);
  const deps = await depsOf(build, home, runtime, runs);
  const stop = home.lost === undefined ? signal : AbortSignal.any([signal, asShutdown(home.lost)]);
  try {
    const own = { ...deps, ...terminalDeps(build, print), folder: runs, local };
    return (await runBuild(build, own, stop)) ?? build;
  } finally {
    await removeTree(runs);
  }
}

async function depsOf(
  build: Build,
  { stores, folder, config, doors }: Place,
  runtime: ContainerRuntime & ContainerStarter,
  builds: string,
): Promise<BuildDeps> {
  const pulls = pullsOver(stores, folder);
  const engine = await engineOver(stores, runtime, folder, config, pulls, 'build');
  const registries = new RegistrySettings(folder.config);
  const own = registries.ownNames(config.listen);
  return buildDepsOver(build, {
    ...{ stores, config, engine, runtime, registries, doors },
    folder: { ...folder, builds },
    house: {
      ...{ engine, runtime, own, cache: stores.cache, runFolder: folder.run, registry: stores.registry },
      remote: registries.hosts(true),
      sharedProjects: () => registries.current.sharedProjects,
    },
    logBucket: await logBucketName(folder.root),
  });
}

/** The build's record is in memory, and its log on the terminal: nobody else has to do with it. */
function terminalDeps(build: Build, print: (text: string) => void): Pick<BuildDeps, 'records' | 'logs' | 'logsBucket'> {
  let record = build;
  const writer: LogWriter = { append: print, close: async () => undefined };
  return {
    records: {
      async update(_id, expected, change) {
        if (!expected.includes(record.status)) return undefined;
        if (change.status !== undefined && !mayBecome(record.status, change.status)) return undefined;
        record = { ...record, ...change };
        return record;
      },
    },
    logs: { writer: () => writer, info: async () => undefined, read: async () => Buffer.alloc(0), follow: noLog },
    // whatever the request says: the log was read where it was written
    logsBucket: () => build.logsBucket,
  };
}

async function* noLog(): AsyncGenerator<Buffer> {}

/** In the step's place: its files with what it changed, its variables, mounts, network and user. */
function shellAfter(shell: StartShell, runtime: ContainerStarter): NonNullable<LocalRun['failed']> {
  return async ({ index, exitCode, spec }, signal) => {
    await shell({ index, exitCode }, (args, io) => runtime.start({ ...spec, args, init: true }, io, signal));
  };
}

function asShutdown(lost: AbortSignal): AbortSignal {
  const stop = new AbortController();
  if (lost.aborted) stop.abort('shutdown');
  else lost.addEventListener('abort', () => stop.abort('shutdown'), { once: true });
  return stop.signal;
}

/** Of those that were killed: their containers died with them, and were swept. */
async function removeDeadRuns(folder: DataFolder): Promise<void> {
  for (const name of await namesIn(folder.builds))
    if (name.startsWith(RUN_PREFIX) && !ownerLives(name.slice(RUN_PREFIX.length)))
      await removeTree(join(folder.builds, name));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
