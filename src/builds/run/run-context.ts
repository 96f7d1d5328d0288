import type { BridgeNetwork } from '../../containers/container.ts';
import type { Caller, Engine, PushResult } from '../../engine/engine.ts';
import type { BucketStore } from '../../stores/buckets/buckets.ts';
import type { Build, BuildWarning } from '../build.ts';
import { recordPushes } from '../results/record-pushes.ts';
import { secretsInImage } from '../secrets/image-arguments.ts';
import { type BuildSecrets, resolveSecrets } from '../secrets/resolve-secrets.ts';
import { bucketsOf } from './bucket-access.ts';
import type { BuildDeps, ServedBuild } from './build-deps.ts';
import { limitsOf } from './build-limits.ts';
import type { BuildLog } from './build-log.ts';
import { boundDisk } from './disk-bound.ts';
import type { BuildFailure } from './failure.ts';
import { writeRegistryLogins } from './registry-logins.ts';
import { HOME } from './step-surroundings.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** What one build has while it runs. Everything that it starts is ended by `close`, whatever happened before. */
export interface BuildRun {
  build: Build;
  deps: BuildDeps;
  log: BuildLog;
  caller: Caller;
  engine: Engine;
  buckets: BucketStore;
  /** Values of `availableSecrets`, by the variable that steps name in `secretEnv`. */
  secrets: BuildSecrets;
  workspace: Workspace;
  /** What steps pushed so far. */
  pushes: readonly PushResult[];
  /** What the person who reads the result should know. */
  warnings: readonly BuildWarning[];
  /** Adds a warning, which the log shows as well. */
  warn(text: string): void;
  /** The build's bridge, made when first needed, with what answers on it. */
  network(): Promise<BridgeNetwork>;
  /** What answers there for steps; undefined where nothing does. */
  served(): Promise<ServedBuild | undefined>;
  /** The build's docker socket, opened when first needed; undefined when this server gives none, or the build wants none. */
  dockerSocket(): Promise<string | undefined>;
  /** Ends scope, token, network and folders. Every part is tried; the first error is thrown after all were. */
  close(): Promise<void>;
}

/** @param end ends the build from within, because it took more than it may */
export async function openRun(
  build: Build,
  deps: BuildDeps,
  log: BuildLog,
  signal: AbortSignal,
  end: (failure: BuildFailure) => void,
): Promise<BuildRun> {
  const scope = `build:${build.id}`;
  const secrets = await resolveSecrets(build, deps.secrets);
  log.hide(secrets);
  const caller: Caller = { scope, project: build.projectId, actor: scope, signal };
  const pushes: PushResult[] = [];
  const warnings: BuildWarning[] = [];
  const warn = (text: string) => {
    if (warnings.some((warning) => warning.text === text)) return;
    warnings.push({ text, priority: 'WARNING' });
    log.line(`WARNING: ${text}`);
  };
  const engine = recordPushes(deps.engine, {
    onPush: (result) => pushes.push(result),
    onBuild: (request) => {
      for (const text of secretsInImage(request, secrets)) warn(text);
      const provenance = build.options.requestedVerifyOption === 'VERIFIED' ? 'min' : undefined;
      return { ...request, provenance: request.provenance ?? provenance };
    },
  });
  const endings: (() => Promise<void>)[] = [() => deps.engine.endScope(scope)];
  const close = async () => {
    const errors: unknown[] = [];
    for (const end of endings.reverse()) await end().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  };
  try {
    const workspace = await makeWorkspace(deps.folder, build.id, deps.local);
    endings.push(() => workspace.remove());
    const identity = await deps.identities.issue(build);
    endings.push(() => identity.revoke());
    // it may write the project, and whoever may only read it reads the log while the build runs
    log.hide(new Map([["the build's token", identity.secret]]));
    await writeRegistryLogins(workspace.home, identity.secret, build, deps.ownNames);
    const pool = await deps.pools?.limitsOf(build);
    const { diskBytes, ...limits } =
      deps.limits === undefined ? {} : limitsOf(build, pool, deps.limits.defaults, deps.limits.machine);
    const release = deps.containers.confine?.(build.id, limits);
    if (release !== undefined) endings.push(release);
    if (diskBytes !== undefined) endings.push(boundDisk(workspace.root, diskBytes, end));
    const joined = once(async () => {
      const bridge = await deps.containers.createNetwork(build.id, { internal: pool?.publicEgress === false });
      endings.push(() => bridge.close());
      const served = await deps.serveBuild?.(build, identity.secret, bridge);
      if (served !== undefined) endings.push(() => served.close());
      return { bridge, served };
    });
    const network = async () => (await joined()).bridge;
    const served = async () => (await joined()).served;
    const dockerSocket = once(async () => {
      if (deps.serveDocker === undefined || build.options.dockerDaemon === 'NO_DOCKER') return undefined;
      // made first, because it has to outlive the containers that join it
      await network();
      const folders = new Map([
        ['/workspace', workspace.workspace],
        [HOME, workspace.home],
      ]);
      const socket = await deps.serveDocker(caller, engine, network, folders);
      endings.push(() => socket.close());
      return socket.path;
    });
    const buckets = bucketsOf(build.projectId, deps.buckets);
    return {
      build,
      deps,
      log,
      caller,
      engine,
      buckets,
      workspace,
      secrets,
      pushes,
      warnings,
      warn,
      network,
      served,
      dockerSocket,
      close,
    };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

/** Parallel steps share what the first of them made. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
