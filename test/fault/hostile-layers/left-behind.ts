import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of an engine's data in which nothing stays when nothing is built. */
const EMPTY_WHEN_IDLE = ['content/ingest', 'content/scratch', 'snapshots/a', 'snapshots/l'];

/** Files in work and mounts that a build left in an engine's folder, and handles that this process still holds there. */
export function leftBehind(folder: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${folder}/`));
  return [
    ...mounts,
    ...EMPTY_WHEN_IDLE.flatMap((name) => namesIn(join(folder, name)).map((file) => `${name}/${file}`)),
  ];
}

/** How many files this process has open. */
export function openHandles(): number {
  return readdirSync('/proc/self/fd').length;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
