import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Build } from '../builds/build.ts';
import { BuildPools } from '../builds/pools/build-pools.ts';
import type { BuildDeps } from '../builds/run/build-deps.ts';
import type { Config } from '../config.ts';
import type { ContainerRuntime } from '../containers/container.ts';
import type { Engine } from '../engine/engine.ts';
import { verifyLogin } from '../images/remote/login.ts';
import { systemClock } from '../lib/clock.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { boundedRuntime } from './docker/bounded-runtime.ts';
import { serveBuildDocker } from './docker/build-socket.ts';
import type { HouseParts } from './docker/house.ts';
import { gitOfBuilds } from './git-sandbox.ts';
import type { RegistrySettings } from './registries.ts';
import { serveBuildNetwork } from './serve-build-network.ts';
import type { Stores } from './stores.ts';

export interface BuildParts {
  stores: Stores;
  folder: DataFolder;
  config: Config;
  engine: Engine;
  runtime: ContainerRuntime;
  registries: RegistrySettings;
  /** Of builds. */
  house: HouseParts;
  /** `gs://` name of the view of all logs. */
  logBucket: string;
  /** HOST:PORT of HTTP doors that ask for a token; absent: the server's. */
  doors?: string | undefined;
}

/** What one build needs, over the stores of a data folder, in whatever process it runs. */
export function buildDepsOver(build: Build, parts: BuildParts): BuildDeps {
  const { stores, folder, config, engine, runtime, registries, house, logBucket } = parts;
  const ownNames = registries.ownNames(config.listen);
  // without tokens, everybody on the listener is the owner: no step may be
  const doors = config.auth === 'token' ? (parts.doors ?? config.listen) : parts.doors;
  return {
    records: stores.builds,
    logs: stores.logs,
    buckets: stores.objects,
    secrets: stores.secrets,
    engine,
    containers: runtime,
    identities: {
      issue: async ({ id, projectId }) => {
        const { id: token, secret } = await stores.buildTokens.issue(id, projectId);
        return { secret, revoke: () => stores.buildTokens.revoke(token) };
      },
    },
    logsBucket: () => `gs://${logBucket}`,
    sources: {
      git: gitOfBuilds(runtime, config),
      repositories: stores.connectedRepositories,
      snapshots: { rows: stores.sources, content: stores.content },
    },
    folder: folder.builds,
    clock: systemClock,
    pools: new BuildPools(stores.workerPools, config.builds.pools),
    imageAliases: config.builds.images,
    builderProjects: () => registries.current.sharedProjects,
    ownNames,
    verifyLogin: (host, credentials, stop) => verifyLogin(registries.hosts(true), host, credentials, stop),
    limits: {
      machine: { cpus: availableParallelism(), memoryBytes: totalmem() },
      defaults: {
        cpus: config.builds.cpus,
        memoryBytes: config.builds.memory,
        diskBytes: config.builds.disk,
        logBytes: config.builds.maxLogBytes,
      },
    },
    allowHostNetwork: config.builds.allowHostNetwork,
    serveDocker: (of, recording, cloudbuild, lent) =>
      serveBuildDocker(of, join(folder.builds, build.id), {
        ...house,
        engine: recording,
        runtime: boundedRuntime(house.runtime, cloudbuild),
        lent,
        sharedNetworks: { cloudbuild },
      }),
    serveBuild: (of, token, bridge) => serveBuildNetwork(of, token, bridge, { folder, ownNames, doors }),
  };
}
