import { readFile } from 'node:fs/promises';
import { run } from '../../../src/lib/run.ts';

/** Container engines leave their storage and network namespaces mounted when they end; the folder could not be removed. */
export async function unmountBelow(folder: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const point of points.filter((path) => path.startsWith(`${folder}/`)).reverse())
    await run('umount', ['-l', point]);
}
