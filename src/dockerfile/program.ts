import type { HistoryEntry, ImageConfig, RunConfig } from '../images/config.ts';
import type { Platform } from '../images/platform.ts';
import type { Place } from '../lib/problem.ts';

/**
 * What the compiler gives to the engine. Stages of the compiler, each a pure function:
 *
 *   parse.ts       text -> Node[]           logical lines with ranges (escape, continuation, heredocs, directives)
 *   instructions/  Node -> Instruction      typed, flags checked, nothing expanded
 *   stages.ts      Instruction[] -> StagePlan   FROM lines expanded with global ARGs, stages that the target needs
 *   interpret.ts   Stage + base config -> StageProgram   words expanded; operations, config and history
 *
 * The last one needs the base image's config (its ENV, WORKDIR, ONBUILD decide what later words mean), so the engine
 * calls it stage by stage as bases are resolved.
 */
export interface BuildInputs {
  buildArgs: Record<string, string>;
  /** Name or number of the stage to build; absent: the last. */
  target?: string | undefined;
  buildPlatform: Platform;
  targetPlatform: Platform;
  labels: Record<string, string>;
}

/** A remark that doesn't stop the build. */
export interface Warning {
  rule: string;
  message: string;
  place: Place;
}

export interface StagePlan {
  /** The stages that the target needs, in the order of the file. */
  stages: Stage[];
  /** Index (Stage.index) of the one to build. */
  target: number;
  warnings: Warning[];
  /** Build args that no ARG of the file takes. */
  unusedBuildArgs: string[];
}

export type StageBase =
  | { kind: 'scratch' }
  | { kind: 'stage'; index: number }
  /** `reference` is expanded and complete as written (`python:3.11`, `host/x@sha256:...`). */
  | { kind: 'image'; reference: string; place: Place };

export interface Stage {
  /** Position in the file, from 0. */
  index: number;
  /** Lower case; absent when FROM gives none. */
  name?: string;
  base: StageBase;
  /** From FROM --platform. */
  platform?: Platform;
  /** The FROM line as written, for progress. */
  text: string;
  place: Place;
  /** Opaque to the engine: handed back to `interpretStage`. */
  instructions: unknown[];
  /** Stages that COPY --from or mounts of this one name, by index. */
  needs: number[];
  /** True when the stage is FROM alone: such a build keeps the base's index and digest. */
  fromOnly: boolean;
}

/** What a stage begins with. */
export interface BaseState {
  /** Config of the base image; a scratch stage has an empty one. */
  config: ImageConfig;
  /** ARGs that a parent stage leaves visible. */
  args: Record<string, string>;
}

export interface StageProgram {
  operations: Operation[];
  /** Final run configuration of the stage. */
  config: RunConfig;
  author?: string;
  /** One entry per instruction below the base's own history; `operation` says which made its layer. */
  history: ProgramHistory[];
  /** What a stage FROM this one inherits. */
  args: Record<string, string>;
  warnings: Warning[];
}

export interface ProgramHistory {
  createdBy: string;
  /** Index into `operations`; absent for metadata, which makes no layer. */
  operation?: number;
}

interface OperationBase {
  /** The instruction as written, continuation lines joined: what progress shows. */
  text: string;
  place: Place;
}

export interface RunOperation extends OperationBase {
  kind: 'run';
  /** Ready to execute: shell form is already wrapped in the SHELL. */
  args: string[];
  /** `K=V`: the stage's ENV, then declared ARGs (ENV wins). */
  env: string[];
  cwd: string;
  user: string;
  network: 'default' | 'none' | 'host';
  /** --mount flags, parsed (ENGINE completes them; until then a mount other than none is refused by the engine). */
  mounts: RunMount[];
  security: 'sandbox' | 'insecure';
  /** Names of ARGs that differ from build to build, for the explanation of a miss. */
  args_used: Record<string, string>;
}

export interface RunMount {
  type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
  options: Record<string, string>;
}

export type CopySource = { kind: 'context' } | { kind: 'stage'; index: number } | { kind: 'image'; reference: string };

export interface CopyOperation extends OperationBase {
  /** ADD differs: local archives are unpacked, and URLs are fetched. */
  kind: 'copy' | 'add';
  from: CopySource;
  /** Paths or globs below the root of `from`, cleaned, `../` clamped; for ADD also URLs. */
  sources: string[];
  /** Heredoc files: name and content. */
  inline: { name: string; content: string }[];
  /** Absolute. */
  destination: string;
  /** Written with a trailing slash (or `.`), so the destination is a folder. */
  intoFolder: boolean;
  chown?: string;
  chmod?: string;
  link: boolean;
  parents: boolean;
  exclude: string[];
  checksum?: string;
  unpack?: boolean;
  keepGitDir: boolean;
}

/** WORKDIR makes its folder when it isn't there. */
export interface WorkdirOperation extends OperationBase {
  kind: 'workdir';
  path: string;
}

export type Operation = RunOperation | CopyOperation | WorkdirOperation;

/** History entries of an image that was built: the base's, then ours. */
export type { HistoryEntry };
