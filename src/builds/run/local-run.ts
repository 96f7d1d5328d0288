import type { ContainerSpec } from '../../containers/container.ts';

/** What a build at a terminal has that one of a server has not. */
export interface LocalRun {
  /** Fills /workspace, in place of the build's source. */
  fill?: ((workspace: string, say: (line: string) => void) => Promise<void>) | undefined;
  /** A folder that is /workspace itself; it is left as the steps leave it. */
  inPlace?: string | undefined;
  /** Where /workspace is moved at the end, on the same file system; absent: it goes. */
  keepAt?: string | undefined;
  /** Whether a step is run; steps that wait for one that isn't don't wait. */
  isChosen(index: number): boolean;
  /** Whether what the build has made is pushed at its end. */
  pushes: boolean;
  /** Told of a step that failed in a container, while the container's files are still there; the build goes on when it settles. */
  failed?: ((step: FailedStep, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface FailedStep {
  index: number;
  exitCode: number;
  /** As the step had it; what it changed is in its root file system. */
  spec: ContainerSpec;
}
