import { call } from './libc.ts';

const M_ARENA_MAX = -8;

/**
 * glibc gives every thread of the pool an arena of its own, each of which keeps what was freed. Holds for arenas that are not
 * made yet; without glibc nothing happens.
 */
export function limitArenas(count: number): void {
  ifThere(() => call('mallopt', 'M_ARENA_MAX', M_ARENA_MAX, count));
}

/** Gives what was freed back to the system, from all arenas; a few milliseconds. Without glibc nothing happens. */
export function giveBackFreed(): void {
  ifThere(() => call('malloc_trim', '', 0));
}

/** Other C libraries have none of these, and memory is not worth an error. */
function ifThere(work: () => void): void {
  try {
    work();
  } catch {
    // nothing is lost by it
  }
}
