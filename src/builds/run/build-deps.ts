import type { BridgeNetwork, ContainerRuntime } from '../../containers/container.ts';
import type { Caller, Engine } from '../../engine/engine.ts';
import type { RegistryCredentials } from '../../images/remote/hosts.ts';
import type { Clock } from '../../lib/clock.ts';
import type { BucketStore } from '../../stores/buckets/buckets.ts';
import type { LogReader, LogStore } from '../../stores/logs/logs.ts';
import type { OwnNames } from '../../stores/registry/name.ts';
import type { SecretReader } from '../../stores/secrets/secrets.ts';
import type { Build } from '../build.ts';
import type { BuildPools } from '../pools/build-pools.ts';
import type { BuildRecords } from '../records.ts';
import type { SourceDeps } from '../sources/source-deps.ts';
import type { DefaultLimits, Machine } from './build-limits.ts';
import type { LocalRun } from './local-run.ts';

/**
 * All that a build needs to run. It runs in a process of its own: rows are reached through these interfaces only (the
 * owner answers them), bytes go by files.
 */
export interface BuildDeps {
  records: Pick<BuildRecords, 'update'>;
  logs: Pick<LogStore, 'writer'> & LogReader;
  buckets: BucketStore;
  secrets: SecretReader;
  engine: Engine;
  containers: ContainerRuntime;
  /** The build's own identity: reads every base it may, writes its project, ends with the build. */
  identities: BuildIdentities;
  /** Where logs are read when a request names no bucket: a view of our own, to which nothing is copied. */
  logsBucket(project: string): string;
  /** Absent: sources come from buckets alone. */
  sources?: SourceDeps | undefined;
  /** DATA/builds: one folder per build in it. */
  folder: string;
  clock: Clock;
  /** Builder images served under another name (`builds.images` of slipway.yaml). */
  imageAliases: Readonly<Record<string, string>>;
  /** Projects besides the build's own whose copies of builder images it may use (`registries.sharedProjects`). */
  builderProjects(): readonly string[];
  /** Which registry hosts are ours: logins there need no credentials of their own. */
  ownNames: OwnNames;
  /** Asks another registry whether it takes these credentials. @throws Problem `unauthenticated` */
  verifyLogin(host: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void>;
  /** What the build's pool lets it use; absent: no pool has limits. */
  pools?: Pick<BuildPools, 'limitsOf'> | undefined;
  /** Of this machine, and for builds that ask for nothing; absent: nothing has a limit. */
  limits?: { machine: Machine; defaults: DefaultLimits } | undefined;
  /** Whether `--network=host` is allowed (`builds.allowHostNetwork`). */
  allowHostNetwork: boolean;
  /** Gives container steps a docker socket; without one they have none. */
  serveDocker?: ServeDocker | undefined;
  /** Of `slipway run`. */
  local?: LocalRun | undefined;
  /** Answers on the build's network; without it nothing of ours does. */
  serveBuild?: ServeBuild | undefined;
}

export interface BuildIdentities {
  issue(build: Build): Promise<{ secret: string; revoke(): Promise<void> }>;
}

/**
 * A docker socket that belongs to one build: its scope, its project, gone when it is closed.
 * @param network that of the build's steps, which its containers may join as `cloudbuild`
 * @param folders that its containers may bind, by the path that steps see; of this machine's own they bind none
 */
export type ServeDocker = (
  caller: Caller,
  engine: Engine,
  network: () => Promise<BridgeNetwork>,
  folders: ReadonlyMap<string, string>,
) => Promise<{ path: string; close(): Promise<void> }>;

/**
 * The metadata server of one build, and where there are doors, the way to our registry and buckets for its identity.
 * @param token the secret of that identity
 */
export type ServeBuild = (build: Build, token: string, bridge: BridgeNetwork) => Promise<ServedBuild | undefined>;

export interface ServedBuild {
  /** For steps, below their own variables: where clients find what is served. */
  env: Readonly<Record<string, string>>;
  /** What steps may trust for the registry hosts that are served; absent: there is no TLS. */
  authority?: { pem: string; hosts: readonly string[] } | undefined;
  close(): Promise<void>;
}
