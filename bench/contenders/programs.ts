import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Every program of this name, in the order in which a shell looks: several versions of one client may be installed. */
export function programsOnPath(name: string): string[] {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, name))
    .filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
