import { setTimeout as sleep } from 'node:timers/promises';
import { runOk } from '../src/lib/run.ts';
import type { AccountedGroup } from './accounting.ts';
import type { Command } from './contenders/contender.ts';
import { ResidentMemory } from './resident-memory.ts';

/** One run of one contender's work. */
export interface Sample {
  /** Milliseconds from the start of the first client to the end of the last. */
  wallMs: number;
  /** Milliseconds as the contender's own server counted them, if it says so. */
  serverMs?: number;
  cpuSeconds: number;
  peakBytes: number;
}

/** A daemon finishes its bookkeeping after it has answered; that time is its work too. */
const SETTLE_MS = 300;
/** Nobody's slowest work takes as long, even beside other work; a program that hangs must not hold up the whole run. */
const TIMEOUT_MS = 120_000;

/** Runs the commands one after the other, each inside of the group. */
export async function measure(
  group: AccountedGroup,
  commands: readonly Command[],
  signal: AbortSignal,
): Promise<Sample> {
  const before = await group.cpuSeconds();
  const memory = new ResidentMemory(group);
  let serverMs: number | undefined;
  const started = performance.now();
  try {
    for (const command of commands) {
      const { stdout } = await perform(group, command, signal);
      if (command.serverMs !== undefined) serverMs = (serverMs ?? 0) + command.serverMs(stdout);
    }
    const wallMs = performance.now() - started;
    const peakBytes = await memory.stop();
    await sleep(SETTLE_MS);
    const cpuSeconds = (await group.cpuSeconds()) - before;
    return { wallMs, cpuSeconds, peakBytes, ...(serverMs === undefined ? {} : { serverMs }) };
  } finally {
    await memory.stop();
  }
}

/** The same without measuring: to bring about the state from which a sample begins. */
export async function perform(
  group: AccountedGroup,
  command: Command,
  signal: AbortSignal,
): Promise<{ stdout: string }> {
  const [program = '', ...args] = group.within(command.argv);
  return runOk(program, args, { env: { ...process.env, ...command.env }, signal, timeout: TIMEOUT_MS });
}
