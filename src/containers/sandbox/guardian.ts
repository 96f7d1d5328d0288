import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Hierarchy } from './cgroup.ts';

/** Reads until its input ends, which is when we do, and kills what is in the groups until nothing is there. */
const SCRIPT = `
  cat > /dev/null
  for round in 1 2 3 4 5 6 7 8 9 10; do
    for file in "$@"; do while read -r pid; do kill -9 "$pid"; done < "$file"; done
    sleep 0.1
  done 2> /dev/null`;

/**
 * Kills the processes of a group when this process ends, by whatever way: for a container that shares the machine's process
 * namespace, so that no namespace can end it.
 * @returns what ends the guardian, after the processes have ended
 */
export function guard(hierarchies: Hierarchy[], group: string): () => Promise<void> {
  const files = hierarchies.map(({ root }) => join(root, group, 'cgroup.procs'));
  const child: ChildProcess = spawn('sh', ['-c', SCRIPT, 'sh', ...files], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin?.on('error', () => undefined);
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}
