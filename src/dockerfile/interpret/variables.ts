import { posix } from 'node:path';
import { checkLegacyPair } from '../checks/obsolete.ts';
import { checkSecrets } from '../checks/secrets.ts';
import { checkWorkdir } from '../checks/workdir.ts';
import { Complaint } from '../complaint.ts';
import { givenArg } from '../global-scope.ts';
import type { ArgInstruction, PairsInstruction, TextInstruction } from '../instructions/instruction.ts';
import type { StageState } from './stage-state.ts';

/** All pairs of one ENV see the environment from before it. */
export function applyEnv(state: StageState, instruction: PairsInstruction): void {
  checkSecrets(instruction, state.remark);
  const pairs = expandPairs(state, instruction);
  for (const [name, value] of pairs) state.env.set(name, value);
  state.note(`ENV ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`);
}

export function applyLabel(state: StageState, instruction: PairsInstruction): void {
  const pairs = expandPairs(state, instruction);
  state.config.Labels = { ...state.config.Labels, ...Object.fromEntries(pairs) };
  state.note(`LABEL ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`);
}

function expandPairs(state: StageState, instruction: PairsInstruction): [name: string, value: string][] {
  const { node, pairs } = instruction;
  checkLegacyPair(instruction, state.remark);
  return pairs.map(({ key, value }) => {
    const name = state.expand(node, key);
    if (name === '') throw new Complaint(`${node.name} names can not be blank`, { ranges: [state.rangeOf(key.range)] });
    return [name, state.expand(node, value, name)];
  });
}

/** Value of an ARG: the build argument, else its default, else what was declared before the first FROM. */
export function applyArg(state: StageState, instruction: ArgInstruction): void {
  const { node, args } = instruction;
  checkSecrets(instruction, state.remark);
  const declared = args.map(({ name, value }) => {
    const standard = value === undefined ? undefined : state.expand(node, value);
    const otherwise = () => standard ?? state.stage.scope.globals.get(name) ?? state.args.get(name);
    state.args.set(name, givenArg(state.inputs, name) ?? otherwise());
    state.ownArgs.add(name);
    return standard === undefined ? name : `${name}=${standard}`;
  });
  state.note(`ARG ${declared.join(' ')}`);
}

/** A relative path is below the one before; the folder is made, and USER's, when it isn't there. */
export function applyWorkdir(state: StageState, instruction: TextInstruction): void {
  const { node, value } = instruction;
  const text = state.expand(node, value);
  if (!state.workdirSet) checkWorkdir(instruction, text, state.cwd, state.remark);
  state.workdirSet = true;
  const path = posix.resolve('/', state.cwd, text);
  state.config.WorkingDir = path;
  const user = state.config.User ?? '';
  state.operate({ kind: 'workdir', text: node.text, place: state.placeOf(node), path, user }, `WORKDIR ${path}`);
}
