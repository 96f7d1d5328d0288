import { readFileSync } from 'node:fs';
import { startTimeOf } from '../../lib/process-mark.ts';

/**
 * Which process something belongs to, as a word that fits into file names and interface aliases: `<boot>.<pid>.<start>`.
 * The start time tells a process from a later one with the same pid, the boot from one before a restart of the machine.
 */
export type Owner = string;

let own: Owner | undefined;

export function currentOwner(): Owner {
  own ??= `${bootId()}.${process.pid}.${startTimeOf(process.pid) ?? 0}`;
  return own;
}

/** False for a process that ended, a zombie too: it holds nothing any more. */
export function ownerLives(owner: Owner): boolean {
  const [boot, pid, start] = owner.split('.');
  return boot === bootId() && startTimeOf(Number(pid)) === Number(start);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
}
