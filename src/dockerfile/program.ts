import type { ImageConfig, RunConfig } from '../images/config.ts';
import type { Platform } from '../images/platform.ts';
import type { Place } from '../lib/problem.ts';
import type { CheckPolicy } from './checks/policy.ts';
import type { Warning } from './checks/warnings.ts';
import type { Source } from './complaint.ts';
import type { Instruction } from './instructions/instruction.ts';
import type { RunMount } from './run-mount.ts';
import type { CopySource, StageNames } from './stage-names.ts';

export type { CopySource, Warning };

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
  /** Names or numbers of the stages to build, undefined for the last; absent: the last alone. */
  targets?: readonly (string | undefined)[] | undefined;
  buildPlatform: Platform;
  targetPlatform: Platform;
  /** Named contexts: the reference of an image, or undefined for what the engine has to open. */
  contexts?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface StagePlan {
  /** The stages that the targets need, in the order of the file. */
  stages: Stage[];
  /** The others, as far as they can be planned: only the ONBUILD triggers of a base image may still ask for one. */
  spare: Stage[];
  /** Indexes (Stage.index) of those to build, in the order asked for. */
  targets: number[];
  warnings: Warning[];
  /** Build args that no ARG of the file takes, and the one that was probably meant. */
  unusedBuildArgs: { name: string; meant: string | undefined }[];
}

export type StageBase =
  | { kind: 'scratch' }
  | { kind: 'stage'; index: number }
  /** `reference` is expanded and complete as written (`python:3.11`, `host/x@sha256:...`). */
  | { kind: 'image'; reference: string; place: Place }
  /** A named context that is no image. */
  | { kind: 'named'; name: string; place: Place };

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
  instructions: readonly Instruction[];
  /** Opaque too: what `interpretStage` has to know of the file. */
  scope: FileScope;
  /** Stages that COPY --from or mounts of this one name, by index. */
  needs: number[];
  /** True when the stage is FROM alone: such a build keeps the base's index and digest, unless the base has triggers. */
  fromOnly: boolean;
  /** A stage that this one stands on sets WORKDIR. */
  workdirAbove: boolean;
}

export interface FileScope {
  source: Source;
  escape: string;
  checks: CheckPolicy;
  names: StageNames;
  /** Global ARGs and platform arguments; a name without a value is declared, but has none. */
  globals: ReadonlyMap<string, string | undefined>;
}

/** What a stage begins with. */
export interface BaseState {
  /** Config of the base image; a scratch stage has an empty one. */
  config: ImageConfig;
  /** ARGs that a parent stage leaves visible. */
  args: Record<string, string>;
  /** The base could not be resolved: of a variable that is not set here, nobody knows whether the base sets it. */
  unknown?: boolean | undefined;
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
  /**
   * `K=V` of the predefined proxy arguments that no ARG declares: set while it runs, behind `env`, and kept out of the key
   * and of the history, because a proxy decides how a result is fetched and not what it is.
   */
  proxyEnv: string[];
  /**
   * A here-document that brings its own interpreter (`#!`): a file to be made executable at `path`, readable while `args`
   * run and gone from the layer. The path holds a digest of the content, so `args` alone identify the operation.
   */
  script?: { path: string; content: string };
  cwd: string;
  user: string;
  network: 'default' | 'none' | 'host';
  /** In the order of the flags. */
  mounts: RunMount[];
  security: 'sandbox' | 'insecure';
  /** What of `env` comes from ARG, by name, for the explanation of a miss. */
  argsUsed: Record<string, string>;
}

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
  /** As in USER: whom the folders that it makes belong to; empty is root. */
  user: string;
}

export type Operation = RunOperation | CopyOperation | WorkdirOperation;
