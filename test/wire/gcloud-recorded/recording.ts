import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Commands of gcloud and gsutil, run once against a throw-away stub; they are not part of the repository. */
const FOLDER = resolve(import.meta.dirname, '../../../../shared/fixtures/gcloud');

export interface Recording {
  case: string;
  /** For a shell. `<W>` is the folder of the recording. */
  command: string;
  env?: Record<string, string>;
  exit: number;
  stdout: string;
  stderr: string;
}

/** None where the recordings are absent. */
export function recordings(): Recording[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Recording);
}
