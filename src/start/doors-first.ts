import { setPriority } from 'node:os';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';

/**
 * Nice value of the server's own process: three times the weight of what it starts. Its turns are short, and everybody waits for
 * them, while builds take every processor there is for as long as they run.
 */
const DOORS = -5;
const OTHERS = 0;

/** Gives this process precedence over builds; where that is not allowed, it goes without. */
export function doorsFirst(): void {
  prioritise(process.pid, DOORS);
}

/** A process that this one has just started inherits the precedence, and gives it up before it has threads. */
export function likeOthers(pid: number | undefined): void {
  if (pid !== undefined) prioritise(pid, OTHERS);
}

function prioritise(pid: number, priority: number): void {
  try {
    setPriority(pid, priority);
  } catch (error) {
    log.debug({ error: messageOf(error) }, 'a process keeps its priority');
  }
}
