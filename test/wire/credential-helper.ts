import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commandOf } from './server.ts';

const ROOT = dirname(dirname(import.meta.dirname));

/**
 * A folder for the PATH with our credential helper as it is installed, beside a `slipway` that runs the sources. Clients
 * start it by its name alone.
 */
export async function putCredentialHelper(folder: string): Promise<string> {
  const helper = join(folder, 'docker-credential-slipway');
  await mkdir(folder, { recursive: true });
  await copyFile(join(ROOT, 'bin/docker-credential-slipway'), helper);
  await chmod(helper, 0o755);
  const [program = '', ...args] = commandOf('sources');
  // in the folder's own kind of module, as bin/ is in its package's
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(
    join(folder, 'slipway'),
    `import { spawnSync } from 'node:child_process';
const run = spawnSync(${JSON.stringify(program)}, [...${JSON.stringify(args)}, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
`,
  );
  return folder;
}
