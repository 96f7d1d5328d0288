import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { logBucketName } from '../adapters/disk/log-bucket-name.ts';
import type { Build } from '../builds/build.ts';
import { runBuild } from '../builds/run/run-build.ts';
import type { ChangeQuestion, CommitAnswer, CommitQuestion } from '../builds/triggers/commit-reader.ts';
import { GitCommitReader } from '../builds/triggers/git-commit-reader.ts';
import type { Config } from '../config.ts';
import type { ContainerRuntime, Network } from '../containers/container.ts';
import type { BuildCall, ControlCalls } from '../doors/control/wire.ts';
import type { DockerClient } from '../doors/docker/call.ts';
import type { Caller } from '../engine/engine.ts';
import { Progress } from '../engine/progress.ts';
import { GitRepositories } from '../engine/sources/git.ts';
import { pushShown } from '../engine/transfer/push-shown.ts';
import { parsePlatform } from '../images/platform.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { Problem } from '../lib/problem.ts';
import { removeTree } from '../lib/remove-tree.ts';
import { type BuildParts, buildDepsOver } from './build-deps.ts';
import { openBuildNetwork } from './build-network.ts';
import { readFrom, writeTo, writtenOutputs } from './byte-places.ts';
import type { HouseParts } from './docker/house.ts';
import { DockerHouses } from './docker/houses.ts';
import { type DockerPlaces, serveDocker } from './docker/serve-docker.ts';
import { engineOver, OWNER_SCOPE } from './engine.ts';
import { gitOfBuilds } from './git-sandbox.ts';
import { pullsOver } from './pulls.ts';
import { RegistrySettings } from './registries.ts';
import { runtimeOver } from './runtime.ts';
import type { Stores } from './stores.ts';
import { transferEvents } from './transfer-events.ts';

type Emit = (event: unknown) => void;

/** What runs outside of the doors' event loop: whole builds, and the engine for the person at the keyboard. */
export interface WorkerCalls {
  runBuild(args: [build: Build], emit: Emit, signal: AbortSignal): Promise<void>;
  /** For triggers, which run in the server. */
  readCommit(args: [CommitQuestion], emit: Emit, signal: AbortSignal): Promise<CommitAnswer>;
  readChanges(args: [ChangeQuestion], emit: Emit, signal: AbortSignal): Promise<string[]>;
  /** Ends with its signal; its one event says that clients can connect. */
  serveDocker(args: [places: DockerPlaces], emit: Emit, signal: AbortSignal): Promise<void>;
  build: EngineCall<'build'>;
  images: EngineCall<'images'>;
  inspect: EngineCall<'inspect'>;
  tag: EngineCall<'tag'>;
  remove: EngineCall<'remove'>;
  pruneImages: EngineCall<'pruneImages'>;
  pull: EngineCall<'pull'>;
  push: EngineCall<'push'>;
  save: EngineCall<'save'>;
  load: EngineCall<'load'>;
  copy: EngineCall<'copy'>;
}

type EngineCall<M extends keyof ControlCalls> = (
  args: [request: ControlCalls[M]['request']],
  emit: Emit,
  signal: AbortSignal,
) => Promise<ControlCalls[M]['result']>;

export async function workerCalls(stores: Stores, folder: DataFolder, config: Config): Promise<WorkerCalls> {
  const runtime = runtimeOver(folder, config);
  const pulls = pullsOver(stores, folder);
  const ownersRuntime = runtimeOver(folder, config, 'owner');
  const engine = await engineOver(stores, ownersRuntime, folder, config, pulls, 'owner');
  const engineOfBuilds = await engineOver(stores, runtime, folder, config, pulls, 'build');
  const registries = new RegistrySettings(folder.config);
  const logBucket = await logBucketName(folder.root);
  const houseParts = (kind: DockerClient['kind']): HouseParts => ({
    cache: stores.cache,
    engine: kind === 'owner' ? engine : engineOfBuilds,
    runtime: kind === 'owner' ? ownersRuntime : runtime,
    runFolder: folder.run,
    own: registries.ownNames(config.listen),
    remote: registries.hosts(kind !== 'owner'),
    registry: stores.registry,
    sharedProjects: () => registries.current.sharedProjects,
  });
  const caller = (signal: AbortSignal, project = 'demo'): Caller => ({
    scope: OWNER_SCOPE,
    project,
    actor: 'owner',
    signal,
  });

  const buildParts: BuildParts = {
    ...{ stores, folder, config, registries, logBucket, runtime },
    engine: engineOfBuilds,
    house: houseParts('build'),
  };

  const prepare = async () => {
    const commitFolder = await mkdtemp(join(folder.builds, 'commit-'));
    return { folder: commitFolder, discard: () => removeTree(commitFolder) };
  };
  const git = gitOfBuilds(runtime, config);
  const commits = new GitCommitReader((signal) => new GitRepositories(git, { prepare }, {}, signal));

  return {
    readCommit: ([question], _emit, signal) => commits.read(question, signal),
    readChanges: ([question], _emit, signal) => commits.changes(question, signal),

    async runBuild([build], _emit, signal) {
      await runBuild(build, buildDepsOver(build, buildParts), signal);
    },

    serveDocker: ([places], emit, signal) => {
      const houses = new DockerHouses(folder.docker, ({ kind }) => houseParts(kind));
      return serveDocker(places, houses, emit, signal);
    },

    async build([request], emit, signal) {
      const started = performance.now();
      const { project, push, network, secrets, ssh, outputs, ...rest } = request;
      const values = new Map(Object.entries(secrets).map(([id, value]) => [id, Buffer.from(value, 'base64')]));
      const sockets = new Map(Object.entries(ssh));
      const bound = caller(signal, project);
      const progress = new Progress(emit);
      const result = await withNetwork(ownersRuntime, network, (joined) =>
        engine.build(
          {
            ...rest,
            network: joined,
            secret: async (id) => values.get(id),
            ssh: (id) => sockets.get(id),
            outputs: writtenOutputs(outputs),
            onEvent: progress.relay,
          },
          bound,
        ),
      );
      const pushed = [];
      if (push)
        for (const tag of request.targets.flatMap((target) => target.tags))
          pushed.push(await pushShown(engine, tag, bound, progress));
      return { ...result, pushed, ms: performance.now() - started };
    },

    images: (_args, _emit, signal) => engine.images(caller(signal)),
    inspect: async ([{ name }], _emit, signal) => inspectAnywhere(engine, name, caller(signal)),
    tag: async ([{ source, target }], _emit, signal) => {
      await engine.tag(source, target, caller(signal));
      return null;
    },
    remove: async ([{ name }], _emit, signal) => {
      await engine.remove(name, caller(signal));
      return null;
    },
    pruneImages: async (_args, _emit, signal) => {
      const { rows } = await engine.shelf.prune(caller(signal), { dangling: true });
      return { images: rows.filter((row) => 'deleted' in row && row.isImage).length };
    },
    pull: async ([{ name, platform, lazy }], emit, signal) => {
      const started = performance.now();
      const pulled = await engine.pull(name, caller(signal), {
        ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
        layers: lazy !== true,
        listener: transferEvents(emit),
      });
      return { ...pulled, ms: performance.now() - started };
    },
    push: async ([{ name, all }], emit, signal) => {
      const started = performance.now();
      const pushed = all
        ? await engine.pushAll(name, caller(signal), transferEvents(emit))
        : [await engine.push(name, caller(signal), transferEvents(emit))];
      const ms = performance.now() - started;
      return pushed.map((one) => ({ ...one, ms }));
    },
    save: async ([{ names, form, to, platforms, referrers }], _emit, signal) => {
      const options = { platforms: platforms?.map(parsePlatform), referrers };
      if ('folder' in to) await engine.saveFolder(names, to.folder, caller(signal), options);
      else await engine.save(names, form, (bytes) => writeTo(to, bytes), caller(signal), options);
      return null;
    },
    load: ([{ from, name }], _emit, signal) =>
      'folder' in from
        ? engine.loadFolder(from.folder, caller(signal), name)
        : engine.load(readFrom(from), caller(signal), name),
    copy: async ([{ source, target, all, platforms, referrers }], emit, signal) => {
      const started = performance.now();
      const options = { platforms: platforms?.map(parsePlatform), referrers };
      const bound = caller(signal);
      const images = all
        ? await engine.copyAll(source, target, bound, options, transferEvents(emit))
        : [await engine.copy(source, target, bound, options, transferEvents(emit))];
      return { images, ms: performance.now() - started };
    },
  };
}

/** What means an image here, or else what our registry or an upstream has under the name. */
async function inspectAnywhere(engine: Awaited<ReturnType<typeof engineOver>>, name: string, caller: Caller) {
  // of an image after one of its layers it is the whole image that can be pulled
  const whole = name.replace(/#\d+$/, '');
  try {
    const image = await engine.inspect(whole, caller);
    if (whole === name) return image;
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    await engine.pull(whole, caller);
  }
  return engine.inspect(name, caller);
}

/** An image build of the owner's with a network of its own, which ends with it. */
async function withNetwork<T>(
  runtime: ContainerRuntime,
  mode: BuildCall['network'],
  work: (network: Network) => Promise<T>,
): Promise<T> {
  const { network, close } = await openBuildNetwork(runtime, mode);
  try {
    return await work(network);
  } finally {
    await close();
  }
}
