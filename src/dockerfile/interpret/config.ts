import type { Healthcheck } from '../../images/config.ts';
import { didYouMean } from '../../lib/nearest.ts';
import { checkCommandForm } from '../checks/command-form.ts';
import { checkPort } from '../checks/ports.ts';
import { Complaint } from '../complaint.ts';
import type {
  Command,
  CommandInstruction,
  HealthcheckInstruction,
  Instruction,
  TextInstruction,
  WordsInstruction,
} from '../instructions/instruction.ts';
import { portsOf } from './ports.ts';
import { isSignal, SIGNAL_NAMES } from './signals.ts';
import type { StageState } from './stage-state.ts';

/** Instructions that only change how a container of the image is run. */
export function applyConfig(state: StageState, instruction: Instruction): void {
  switch (instruction.kind) {
    case 'cmd':
    case 'entrypoint':
      applyCommand(state, instruction);
      return;
    case 'user':
    case 'stopsignal':
    case 'maintainer':
      applyText(state, instruction);
      return;
    case 'expose':
      applyExpose(state, instruction);
      return;
    case 'volume':
      applyVolume(state, instruction);
      return;
    case 'healthcheck':
      applyHealthcheck(state, instruction);
      return;
    case 'shell':
      state.config.Shell = instruction.args;
      state.note(`SHELL [${instruction.args.join(' ')}]`);
      return;
    case 'onbuild':
      state.config.OnBuild = [...(state.config.OnBuild ?? []), instruction.trigger];
      state.note(`ONBUILD ${instruction.trigger}`);
      return;
    default:
      throw new Complaint(`${instruction.node.name} can't stand here`);
  }
}

function argsOf(state: StageState, command: Command): string[] {
  return command.form === 'exec' ? command.args : [...state.shell, command.line];
}

function quoted(args: readonly string[]): string {
  return `[${args.map((arg) => JSON.stringify(arg)).join(' ')}]`;
}

/** ENTRYPOINT takes back a CMD that came from the base: it was written for another program. */
function applyCommand(state: StageState, instruction: CommandInstruction): void {
  const { kind, command } = instruction;
  if (state.config.Shell === undefined) checkCommandForm(instruction, state.remark);
  const args = argsOf(state, command);
  if (kind === 'cmd') {
    state.config.Cmd = args;
    state.cmdSet = true;
    state.note(`CMD ${quoted(args)}`);
    return;
  }
  state.config.Entrypoint = args;
  if (!state.cmdSet) delete state.config.Cmd;
  state.note(`ENTRYPOINT ${quoted(args)}`);
}

function applyText(state: StageState, { kind, node, value }: TextInstruction): void {
  if (kind === 'maintainer') {
    state.author = value.text;
    state.note(`MAINTAINER ${value.text}`);
    return;
  }
  const text = state.expand(node, value);
  if (kind === 'user') {
    state.config.User = text;
    state.note(`USER ${text}`);
    return;
  }
  if (!isSignal(text))
    throw new Complaint(`invalid signal: ${text}${didYouMean(text, SIGNAL_NAMES)}`, {
      ranges: [state.rangeOf(value.range)],
    });
  state.config.StopSignal = text;
  state.note(`STOPSIGNAL ${text}`);
}

function applyExpose(state: StageState, { node, words }: WordsInstruction): void {
  const exposed: string[] = [];
  for (const word of words) {
    for (const text of state.expandWords(node, word)) {
      const { ports, hostPart, upperCase } = portsOf(text, [state.rangeOf(word.range)]);
      exposed.push(...ports);
      checkPort({ text, hostPart, upperCase }, word, state.remark);
    }
  }
  state.config.ExposedPorts ??= {};
  for (const port of exposed) state.config.ExposedPorts[port] = {};
  state.note(`EXPOSE [${exposed.join(' ')}]`);
}

function applyVolume(state: StageState, { node, words }: WordsInstruction): void {
  const paths = words.map((word) => state.expand(node, word));
  if (paths.some((path) => path === '')) throw new Complaint('VOLUME specified can not be an empty string');
  state.config.Volumes = { ...state.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  state.note(`VOLUME [${paths.join(' ')}]`);
}

function applyHealthcheck(state: StageState, instruction: HealthcheckInstruction): void {
  const { node, command, interval, timeout, startPeriod, startInterval, retries } = instruction;
  const test =
    command === undefined ? ['NONE'] : command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.line];
  const check: Healthcheck = { Test: test };
  if (interval) check.Interval = interval;
  if (timeout) check.Timeout = timeout;
  if (startPeriod) check.StartPeriod = startPeriod;
  if (startInterval) check.StartInterval = startInterval;
  if (retries) check.Retries = retries;
  state.config.Healthcheck = check;
  state.note(node.text);
}
