import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A context whose Dockerfile is one line; gives its folder. */
export async function writeFromOnly(folder: string, source: string): Promise<string> {
  const context = join(folder, 'from-only');
  await mkdir(context, { recursive: true });
  await writeFile(join(context, 'Dockerfile'), `FROM ${source}\n`);
  return context;
}
