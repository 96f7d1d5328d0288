import type { Network } from '../../containers/container.ts';
import type { Caller, Engine } from '../../engine/engine.ts';
import type { RegistryCredentials } from '../../images/remote/hosts.ts';
import type { BucketStore } from '../../stores/buckets/buckets.ts';
import type { OwnNames } from '../../stores/registry/name.ts';
import type { StepOutput } from '../run/build-log.ts';
import type { StepFiles } from '../run/step-files.ts';

/** What a native builder works with: the same things that a container of that builder would see. */
export interface NativeContext {
  /** Working directory as the step sees it, e.g. `/workspace/deploy`. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  files: StepFiles;
  /** An empty folder of this machine that goes with the build; the same whenever it is asked for. */
  scratch(): Promise<string>;
  output: StepOutput;
  engine: Engine;
  caller: Caller;
  buckets: BucketStore;
  /** The build's own bridge, made when a RUN needs it: what `default`, `bridge` and `cloudbuild` mean. */
  network: Network;
  allowHostNetwork: boolean;
  ownNames: OwnNames;
  /** Asks a registry, as `docker login` does. @throws Problem `unauthenticated` when it refuses */
  verifyLogin(host: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void>;
}

/**
 * A builder that we serve ourselves: an argument list becomes calls to the engine, with that program's own texts and
 * exit codes. Problems are its to print; what it throws is a cancel, a timeout or a bug.
 */
export type NativeBuilder = (args: readonly string[], context: NativeContext) => Promise<number>;
