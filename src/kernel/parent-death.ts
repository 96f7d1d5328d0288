import { call } from './libc.ts';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * From now on the kernel kills this process when its parent ends, by whatever way. The parent that this was started by may
 * be gone already: then there will be no signal any more, which is why its pid is asked for.
 *
 * "Parent" is the thread that started us; Node starts children from its main thread, which lives as long as the process.
 * @returns false when the parent is no longer `parentPid`, so that the caller ends itself
 */
export function dieWithParent(parentPid: number): boolean {
  call('prctl', 'PR_SET_PDEATHSIG', PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return process.ppid === parentPid;
}
