import { readFile } from 'node:fs/promises';

/**
 * Whether a process has a handler for a signal. The first process of a container that has none never hears of it: the
 * kernel drops what would end such a process by default (pid_namespaces(7)), so nobody needs to wait for it.
 * @param pid on this machine
 */
export async function listensFor(pid: number, signal: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const caught = /^SigCgt:\t([0-9a-f]+)$/m.exec(status)?.[1];
  return caught !== undefined && (BigInt(`0x${caught}`) & (1n << BigInt(signal - 1))) !== 0n;
}
