/**
 * What a container's life hangs on: when this process ends, by SIGKILL too, the kernel kills `unshare` (parent-death signal),
 * that kills runc in turn (--kill-child), and runc (or the keeper of a terminal) is process 1 of a process namespace, so that everything in it dies:
 * the container, whatever it daemonised, what came by `exec`, and runc's helpers. runc alone leaves its container running when
 * it is killed. Cancelling is the same stroke. It costs 3 ms. The signal is tied to the thread that spawned, so run it from a
 * main thread, which lives as long as its process. --mount-proc, since runc reads /proc/PID of its children in the new numbering.
 */
const OWN_NAMESPACE = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** A container that shares the machine's process namespace can't have one around it: `guardian.ts` takes the place. */
const SHARED_NAMESPACE = ['setpriv', '--pdeathsig', 'KILL'];

export function lifeLine(sharesProcesses: boolean): readonly string[] {
  return sharesProcesses ? SHARED_NAMESPACE : OWN_NAMESPACE;
}

/** Before a command that has to see what runc of a life line sees. @param pid of the life line's program @param cwd stays */
export function intoLifeLine(sharesProcesses: boolean, pid: number, cwd: string): readonly string[] {
  if (sharesProcesses) return SHARED_NAMESPACE;
  return ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--pid=/proc/${pid}/ns/pid_for_children`, `--wd=${cwd}`];
}
