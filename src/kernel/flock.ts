import { call } from './libc.ts';
import { SystemCallError } from './system-call-error.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the lock of an open file without waiting; false when another open file description holds it in a way that
 * excludes it: several may hold it `shared`, or one alone.
 *
 * The lock belongs to the open file and not to the process: it ends when the descriptor is closed, also by a crash. Node
 * opens with O_CLOEXEC, so that programs we start never keep it. Two opens of one file in one process exclude each other.
 * @throws SystemCallError for anything else than a held lock
 */
export function tryLock(fd: number, mode: 'exclusive' | 'shared' = 'exclusive'): boolean {
  try {
    call('flock', `fd ${fd}`, fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EAGAIN') return false;
    throw error;
  }
}
