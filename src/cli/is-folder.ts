import { statSync } from 'node:fs';

/** Whether a path means a folder: one that is there, or that is written as one. */
export function isFolder(path: string): boolean {
  return path.endsWith('/') || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}
