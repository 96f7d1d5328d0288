import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PidFd } from '../../kernel/pidfd.ts';
import { type Hierarchy, killGroup } from './cgroup.ts';

/** Reads until its input ends, which is when we do, and kills what is in the groups until nothing is there. */
const SCRIPT = `
  cat > /dev/null
  for round in 1 2 3 4 5 6 7 8 9 10; do
    for file in "$@"; do while read -r pid; do kill -9 "$pid"; done < "$file"; done
    sleep 0.1
  done 2> /dev/null`;

const LOOK_MS = 100;

/**
 * For a container that shares the machine's process namespace, so that no namespace can end it: kills the processes of its
 * group when this process ends, by whatever way, and when its first process has ended.
 * @param first its number
 * @returns what ends the guardian, after the processes have ended
 */
export function guard(
  hierarchies: Hierarchy[],
  group: string,
  first: Promise<number | undefined>,
): () => Promise<void> {
  const files = hierarchies.map(({ root }) => join(root, group, 'cgroup.procs'));
  const child = spawn('sh', ['-c', SCRIPT, 'sh', ...files], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin?.on('error', () => undefined);
  let watch: NodeJS.Timeout | undefined;
  const watching = first.then(
    (pid) => {
      const process = pid === undefined ? undefined : PidFd.of(pid);
      watch = setInterval(() => {
        if (process?.signal(0) === true) return;
        clearInterval(watch);
        process?.close();
        void killGroup(hierarchies, group); // else runc waits for everybody who holds its pipes
      }, LOOK_MS);
    },
    () => undefined,
  );
  return async () => {
    await watching;
    clearInterval(watch);
    child.kill('SIGKILL');
    await ended;
  };
}
