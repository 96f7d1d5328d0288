import { type BigIntStats, lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** Bytes of all files in an upper folder, as `docker ps --size` counts them: each once, however many names it has. */
export async function upperSize(upper: string): Promise<number> {
  const counted = new Set<string>();
  let bytes = 0n;
  const folders = [Buffer.from(upper)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await readdir(folder, { encoding: 'buffer' })) {
      const path = Buffer.concat([folder, SLASH, name]);
      const stat: BigIntStats | undefined = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) continue; // the container runs
      if (stat.isDirectory()) folders.push(path);
      else if (isNew(stat, counted)) bytes += stat.size;
    }
  }
  return Number(bytes);
}

const SLASH = Buffer.from('/');

function isNew({ nlink, dev, ino }: BigIntStats, counted: Set<string>): boolean {
  if (nlink < 2n) return true;
  const inode = `${dev}:${ino}`;
  if (counted.has(inode)) return false;
  counted.add(inode);
  return true;
}
