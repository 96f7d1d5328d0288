import { readFile } from 'node:fs/promises';
import type { AccountedGroup } from '../accounting.ts';

/**
 * The memory of a group's processes as if nobody else ran the same programs: their private pages, and once what the largest
 * of them shares. A proportional size would flatter ours here, since several of them and the client are Node.
 */
export async function loneBytes(group: AccountedGroup): Promise<number> {
  const found = await Promise.all((await group.processes()).map(pagesOf));
  return found.reduce((sum, { own }) => sum + own, 0) + Math.max(0, ...found.map(({ shared }) => shared));
}

/** proc_pid_smaps_rollup(5): in kB. */
async function pagesOf(pid: number): Promise<{ own: number; shared: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''); // it has ended between the two looks
  const sum = (kind: string) =>
    [...text.matchAll(new RegExp(`^${kind}_(?:Clean|Dirty): +(\\d+) kB$`, 'gm'))].reduce(
      (total, [, kB]) => total + Number(kB) * 1024,
      0,
    );
  return { own: sum('Private'), shared: sum('Shared') };
}
