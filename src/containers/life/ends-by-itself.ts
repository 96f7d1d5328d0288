import { readFile } from 'node:fs/promises';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { StartedContainer } from '../container.ts';
import type { ContainerRecord } from '../container-record.ts';
import { signalNumber } from '../sandbox/signals.ts';
import { endsWithin } from './ends-within.ts';
import { stopSignalOf } from './stop-signal.ts';

/**
 * The server ends: a container that listens for its stop signal gets it and is waited for. Nobody has stopped it by hand, so its
 * restart policy goes on to count. What goes wrong is logged: it is killed next, whatever happened.
 * @param over when it has ended
 * @returns whether it did in time
 */
export async function endsByItself(
  { id, request, state }: ContainerRecord,
  process: Pick<StartedContainer, 'pid' | 'signal' | 'unpause'>,
  over: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const signal = stopSignalOf(request.stopSignal);
  if (!(await listensFor(process.pid, signalNumber(signal)))) return false;
  try {
    await process.signal(signal);
    if (state.status === 'paused') await process.unpause();
    return await endsWithin(over, ms);
  } catch (error) {
    log.warn({ container: id, error: messageOf(error) }, 'a container did not get its stop signal');
    return false;
  }
}

/**
 * Whether a process has a handler for a signal. The first process of a container that has none never hears of it: the
 * kernel drops what would end such a process by default (pid_namespaces(7)), so nobody needs to wait for it.
 * @param pid on this machine
 */
async function listensFor(pid: number, signal: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const caught = /^SigCgt:\t([0-9a-f]+)$/m.exec(status)?.[1];
  return caught !== undefined && (BigInt(`0x${caught}`) & (1n << BigInt(signal - 1))) !== 0n;
}
