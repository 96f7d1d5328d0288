import { interpretStage } from '../../src/dockerfile/interpret.ts';
import type {
  BaseState,
  BuildInputs,
  CopyOperation,
  RunOperation,
  StagePlan,
  StageProgram,
  WorkdirOperation,
} from '../../src/dockerfile/program.ts';
import { parseDockerfile, planStages } from '../../src/dockerfile/stages.ts';
import type { RunConfig } from '../../src/images/config.ts';

export const LINUX = { os: 'linux', architecture: 'amd64' };

export interface CompileOptions extends Partial<BuildInputs> {
  /** Run configuration of every base image. */
  base?: RunConfig;
  /** Stage to build. */
  target?: string | undefined;
}

export interface Compiled {
  plan: StagePlan;
  /** By stage index. */
  programs: Map<number, StageProgram>;
  /** The target's. */
  program: StageProgram;
}

/** For tests: compiles a whole Dockerfile as the engine does, stage by stage. */
export function compile(text: string, options: CompileOptions = {}): Compiled {
  const { base, target, ...given } = options;
  const inputs: BuildInputs = {
    buildArgs: {},
    targets: [target],
    buildPlatform: LINUX,
    targetPlatform: LINUX,
    ...given,
  };
  const plan = planStages(parseDockerfile(text, 'Dockerfile', settingsOf(inputs)), inputs);
  const programs = new Map<number, StageProgram>();
  for (const stage of plan.stages) {
    const parent = stage.base.kind === 'stage' ? programs.get(stage.base.index) : undefined;
    const config = parent?.config ?? (stage.base.kind === 'image' ? base : undefined) ?? {};
    const state: BaseState = {
      config: { ...LINUX, rootfs: { type: 'layers', diff_ids: [] }, config },
      args: parent?.args ?? {},
    };
    programs.set(stage.index, interpretStage(stage, state, inputs));
  }
  const program = programs.get(plan.targets[0] ?? -1);
  if (program === undefined) throw new Error('the target was not planned');
  return { plan, programs, program };
}

function settingsOf({ buildArgs }: BuildInputs): { syntax?: string | undefined; check?: string | undefined } {
  return { syntax: buildArgs['BUILDKIT_SYNTAX'], check: buildArgs['BUILDKIT_DOCKERFILE_CHECK'] };
}

interface ByKind {
  run: RunOperation;
  copy: CopyOperation;
  add: CopyOperation;
  workdir: WorkdirOperation;
}

/** The operations of one kind in the target. */
export function operations<K extends keyof ByKind>({ program }: Compiled, kind: K): ByKind[K][] {
  return program.operations.filter((operation): operation is ByKind[K] & typeof operation => operation.kind === kind);
}
