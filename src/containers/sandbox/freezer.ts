import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../lib/problem.ts';
import { controllerRoot, type Hierarchy, textOf } from './cgroup.ts';

const ROUNDS = 500;
const PAUSE_MS = 10;

/**
 * Stops all processes of a group, or lets them go on, and waits until that is so. v1 has a controller for it, v2 a file in
 * every group.
 * @throws Problem `unsupported` where the machine has neither, `failed` when a process can't be stopped
 */
export async function freeze(hierarchies: Hierarchy[], group: string, frozen: boolean): Promise<void> {
  const old = controllerRoot(hierarchies, 'freezer');
  const root = (old ?? hierarchies.find(({ version }) => version === 2))?.root;
  if (root === undefined) throw new Problem('unsupported', 'this machine has no cgroup freezer');
  const file = (name: string) => join(root, group, name);
  const [wanted, state] =
    old === undefined ? [frozen ? '1' : '0', 'cgroup.freeze'] : [frozen ? 'FROZEN' : 'THAWED', 'freezer.state'];
  for (let round = 0; round < ROUNDS; round++) {
    // written again each time: of v1, a process that forks while it is being frozen leaves the group half frozen
    await writeFile(file(state), wanted, { flag: 'r+' });
    const isFrozen =
      old === undefined
        ? /^frozen 1$/m.test(await textOf(file('cgroup.events')))
        : (await textOf(file(state))).trim() === 'FROZEN';
    if (isFrozen === frozen) return;
    await sleep(PAUSE_MS);
  }
  throw new Problem('failed', `the container can't be ${frozen ? 'paused' : 'resumed'}`);
}
