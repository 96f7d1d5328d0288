import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskContent } from '../../../src/adapters/disk/disk-content.ts';
import { FlightControl } from '../../../src/adapters/owner/flights.ts';
import { sqliteCache } from '../../../src/adapters/sqlite/cache.ts';
import { sqliteBlobRows } from '../../../src/adapters/sqlite/content.ts';
import { openDatabase } from '../../../src/adapters/sqlite/database.ts';
import { sqliteNames } from '../../../src/adapters/sqlite/names.ts';
import { SqliteRegistry } from '../../../src/adapters/sqlite/registry.ts';
import type { ContainerRuntime } from '../../../src/containers/container.ts';
import { type CreatedEngine, createEngine } from '../../../src/engine/create-engine.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import type { Caller, ImageBuildResult } from '../../../src/engine/engine.ts';
import type { BuildEvent } from '../../../src/engine/events.ts';
import type { ImageBuildRequest } from '../../../src/engine/request.ts';
import { hostPlatform } from '../../../src/images/platform.ts';
import { createRegistryClient } from '../../../src/images/remote/client.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Problem } from '../../../src/lib/problem.ts';
import type { LocalImage } from '../../../src/stores/names/names.ts';

/** An engine over real stores in a folder of its own. */
export interface TestEngine {
  engine: CreatedEngine;
  deps: EngineDeps;
  folder: string;
  caller(signal?: AbortSignal): Caller;
  build(context: string, request?: TestRequest, caller?: Caller): Promise<TestBuild>;
  /** The same data folder with nothing in memory, as after a restart. */
  restarted(): Promise<CreatedEngine>;
  close(): Promise<void>;
}

/** A request with docker's short forms for one target. */
export type TestRequest = Partial<ImageBuildRequest> & { tags?: string[]; target?: string | undefined };

export interface TestBuild extends ImageBuildResult {
  /** The first target's. */
  image: LocalImage;
  kept: boolean;
  events: BuildEvent[];
}

/** The host that test images are named after: one that we are. */
export const OWN = 'europe-central2-docker.pkg.dev/test/repo';

/** Stands in where a test runs nothing: a build that starts a container then fails by name. */
export const noContainers: ContainerRuntime = {
  run: async () => {
    throw new Problem('unsupported', 'this test starts no containers');
  },
  createNetwork: async () => {
    throw new Problem('unsupported', 'this test makes no networks');
  },
  sweep: async () => ({ containers: 0, mounts: 0, networks: 0, folders: 0 }),
  probe: async () => [],
};

export interface TestEngineOptions {
  fetch?: EngineDeps['fetch'];
  git?: EngineDeps['git'];
  runtime?: (folder: string) => ContainerRuntime;
  /** Where its folder is made; absent: among the temporary ones. */
  parent?: string;
}

export async function openTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'slipway-engine-'));
  for (const name of ['content', 'snapshots', 'run']) await mkdir(join(folder, name));
  const database = await openDatabase(join(folder, 'slipway.db'));
  const rows = sqliteBlobRows(database);
  const remote = createRegistryClient({});
  const deps: EngineDeps = {
    content: new DiskContent({ folder: join(folder, 'content'), rows }),
    blobs: rows,
    names: sqliteNames(database),
    registry: new SqliteRegistry(database),
    cache: sqliteCache(database),
    flights: new FlightControl().of(),
    runtime: options.runtime?.(folder) ?? noContainers,
    remote,
    remoteAs: (credentials) => createRegistryClient({ credentials }),
    fetch: options.fetch,
    git: options.git,
    own: { hosts: ['*-docker.pkg.dev'], defaultLocation: 'europe-central2' },
    snapshots: join(folder, 'snapshots'),
    platform: hostPlatform(),
    clock: systemClock,
  };
  const engine = await createEngine(deps);
  const caller = (signal: AbortSignal = new AbortController().signal): Caller => ({
    scope: 'owner',
    project: 'test',
    actor: 'tester',
    signal,
  });
  return {
    engine,
    deps,
    folder,
    caller,
    build: (context, request, by = caller()) => buildWith(engine, context, request, by),
    restarted: () => createEngine(deps),
    close: async () => {
      remote.close();
      await database.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function buildWith(
  engine: CreatedEngine,
  context: string,
  request: TestRequest | undefined,
  caller: Caller,
): Promise<TestBuild> {
  const events: BuildEvent[] = [];
  const { tags = [], target, ...rest } = request ?? {};
  const result = await engine.build(
    {
      context: { kind: 'folder', path: context },
      dockerfile: { path: 'Dockerfile' },
      targets: [{ stage: target, tags }],
      buildArgs: {},
      labels: {},
      cacheFrom: [],
      noCache: false,
      pull: false,
      network: { kind: 'none' },
      onEvent: (event) => events.push(event),
      ...rest,
    },
    caller,
  );
  const [first] = result.images;
  if (first === undefined) throw new Error('a build without an image');
  return { ...result, ...first, events };
}
