import { createServer, type Server } from 'node:http';
import { recoverContent } from '../adapters/disk/recover.ts';
import type { Build } from '../builds/build.ts';
import { BuildPools } from '../builds/pools/build-pools.ts';
import { BuildDispatcher } from '../builds/queue/dispatch.ts';
import { type RecoverDeps, recoverBuilds } from '../builds/queue/recover.ts';
import type { ServeOptions } from '../cli/services.ts';
import { sweepStandardInputs } from '../cli/standard-input.ts';
import { controlDoor } from '../doors/control/routes.ts';
import { IDLE_CONNECTION_MS, SERVER_LIMITS } from '../doors/http/server-limits.ts';
import type { ProxyDoor } from '../doors/proxy/door.ts';
import { splitTls } from '../doors/proxy/first-byte.ts';
import { SnapshotStore } from '../engine/snapshots/snapshot-store.ts';
import { systemClock } from '../lib/clock.ts';
import { log } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { messageOf } from '../lib/problem.ts';
import { startBuildNotifications } from './build-notifications.ts';
import { reportPlace } from './content-place.ts';
import { type ControlParts, controlService } from './control/service.ts';
import { DockerAuthority } from './docker/docker-authority.ts';
import { keepDocker } from './docker/keep-docker.ts';
import type { DockerPlaces } from './docker/serve-docker.ts';
import { doorsFirst } from './doors-first.ts';
import { drain, signalled } from './drain.ts';
import { startHousekeeping } from './housekeeping.ts';
import { openHttpDoors } from './http-doors.ts';
import { closeServer, listenOn, listenOnSocket } from './listen.ts';
import { openProxy } from './open-proxy.ts';
import { type Owner, openOwner } from './owner.ts';
import { RegistrySettings } from './registries.ts';
import { runtimeOver } from './runtime.ts';
import { VERSION } from './version.ts';
import { startWebhooks } from './webhooks.ts';
import { WorkerPool } from './worker-pool.ts';

/**
 * The server: takes the data folder, clears away what a crash left, opens the doors, runs builds until a signal comes; then
 * everything is ended in reverse order.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const endings: (() => Promise<void>)[] = [];
  try {
    const owner = await openOwner(options.data, 'slipway serve', options.content);
    endings.push(() => owner.close());
    doorsFirst();
    await recover(owner);
    const listen = options.listen ?? owner.config.listen;
    // the plain server is made first: port 0 means that only now the address is known, and every door names it
    const handlers: { request?: Parameters<typeof createServer>[1]; proxy?: ProxyDoor } = {};
    const server = createServer({ ...SERVER_LIMITS, keepAliveTimeout: 75_000 }, (request, response) =>
      handlers.request?.(request, response),
    );
    server.timeout = IDLE_CONNECTION_MS;
    server.on('connect', (request, socket, head) => handlers.proxy?.connect(request, socket, head));
    splitTls(server, (socket) => handlers.proxy?.secure(socket));
    const address = await listenOn(server, listen);
    // clients may ask how their builds ended until the last moment, so tunnels go after the port that makes them
    endings.push(async () => handlers.proxy?.close());
    endings.push(() => closeServer(server));
    const host = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    const url = `http://${address.host === '0.0.0.0' ? `127.0.0.1:${address.port}` : host}`;
    owner.config.listen = host;

    const pool = new WorkerPool(owner.folder.root, host, owner.config.builds.warmProcesses);
    endings.push(() => pool.close());
    const dispatcher = dispatcherOf(owner, pool);
    endings.push(() => dispatcher.stop());
    const names = new RegistrySettings(owner.folder.config).ownNames(host);
    const publicUrl = owner.config.publicUrl ?? url;
    const doors = await openHttpDoors({
      owner,
      metrics: new Metrics(() => dispatcher.running),
      names,
      publicUrl,
      enqueued: () => dispatcher.wake(),
      stop: (build) => dispatcher.cancel(build),
      pool,
    });
    endings.push(() => doors.closeTriggers());
    const proxy = await openProxy({ owner, doors, names, publicUrl, listenHost: address.host });
    Object.assign(handlers, { request: proxy.plain, proxy });
    const webhooks = await startWebhooks(owner);
    endings.push(() => webhooks.close());
    const notifications = await startBuildNotifications(owner);
    endings.push(() => notifications.close());
    const housekeeper = startHousekeeping(owner, doors.expireUploads);
    endings.push(() => housekeeper.stop());
    const places = await dockerPlaces(owner, options);
    const control = { owner, pool, url, dockerSocket: places.socket, clean: () => housekeeper.round() };
    await openControl({ ...control, builds: buildsState(owner, dispatcher) }, endings);
    const docker = keepDocker(pool, places, () => sweep(owner));
    endings.push(() => docker.close());
    dispatcher.wake();
    void reportPlace(owner.place).catch((error: unknown) => log.error({ error: messageOf(error) }, 'content'));

    await docker.settled;
    process.stdout.write(`ready ${url}\n`);
    log.info({ url, data: owner.folder.root, version: VERSION }, 'ready');
    const signal = await signalled();
    await drain(dispatcher, owner.config.builds.drainSeconds);
    log.info({ signal }, 'shutting down');
    return 0;
  } finally {
    for (const end of endings.reverse())
      await end().catch((error: unknown) => log.error({ error: messageOf(error) }, 'shutting down'));
  }
}

/** Before anything is answered: no trace of what died with the last owner. */
async function recover(owner: Owner): Promise<void> {
  const content = await recoverContent(owner.folder, owner.place);
  const swept = await runtimeOver(owner.folder, owner.config).sweep();
  const trees = await (await SnapshotStore.open(owner.folder.snapshots)).sweepDead();
  const inputs = await sweepStandardInputs(owner.folder.builds);
  const builds = await recoverBuilds(recoverDeps(owner));
  await owner.dropBuildLeftovers();
  log.info({ content, swept, trees, inputs, builds }, 'recovered');
}

/** Clears away what a process of ours that died has left. */
async function sweep(owner: Owner): Promise<void> {
  await runtimeOver(owner.folder, owner.config).sweep();
  await (await SnapshotStore.open(owner.folder.snapshots)).sweepDead();
}

function recoverDeps(owner: Owner): RecoverDeps {
  return {
    records: owner.stores.builds,
    queue: owner.queue,
    pools: new BuildPools(owner.stores.workerPools, owner.config.builds.pools),
    logs: owner.stores.logs,
    clock: systemClock,
    folder: owner.folder.builds,
    endScope: (id) => owner.dropBuild(id),
  };
}

function dispatcherOf(owner: Owner, pool: WorkerPool): BuildDispatcher {
  const { concurrency, pools } = owner.config.builds;
  return new BuildDispatcher({
    ...recoverDeps(owner),
    worker: `serve-${process.pid}`,
    concurrency: (key) => pools[key]?.concurrency ?? concurrency,
    sweep: () => sweep(owner),
    run: async (build: Build, signal) => {
      await pool.once('runBuild', [build], signal, build.projectId);
    },
  });
}

/** The docker door's socket, and its port where slipway.yaml names one: its authority is made before a worker asks for it. */
async function dockerPlaces(owner: Owner, { dockerSocket }: ServeOptions): Promise<DockerPlaces> {
  const { docker } = owner.config;
  const socket = dockerSocket ?? owner.folder.dockerSocket;
  if (docker.listen === undefined) return { socket };
  const authorityFolder = owner.folder.root;
  await DockerAuthority.open(authorityFolder);
  return { socket, port: { listen: docker.listen, names: docker.names, authorityFolder } };
}

interface ControlDoorParts extends Omit<ControlParts, 'engine'> {
  pool: WorkerPool;
}

async function openControl(parts: ControlDoorParts, endings: (() => Promise<void>)[]): Promise<Server> {
  const { owner, pool } = parts;
  const service = controlService({
    ...parts,
    engine: (name, request, emit, signal) => pool.resident(name, [request], emit, signal),
  });
  const server = createServer({ requestTimeout: 0 }, controlDoor(service));
  await listenOnSocket(server, owner.folder.socket);
  endings.push(() => closeServer(server));
  return server;
}

function buildsState(owner: Owner, dispatcher: BuildDispatcher): NonNullable<ControlParts['builds']> {
  return async () => ({
    running: dispatcher.running,
    waiting: await owner.queue.waiting(),
    draining: dispatcher.draining,
  });
}
