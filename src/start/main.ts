import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { runCli } from '../cli/main.ts';
import type { CliServices } from '../cli/services.ts';
import { VERSION } from './version.ts';

/** The program: the command line, given what only start/ can join. The server's modules are loaded when they are needed. */
const services: CliServices = {
  version: VERSION,
  root: join(import.meta.dirname, '../..'),
  serve: async (options) => {
    (await import('./small-heap.ts')).keepHeapSmall();
    return await (await import('./serve.ts')).serve(options);
  },
  openOwner: async (data, wait) => (await import('./local.ts')).openLocal(data, wait),
  openLocalBuilds: async (data, wait) => (await import('./local-builds.ts')).openLocalBuilds(data, wait),
  restore: async (options) => (await import('./restore.ts')).restore(options),
};

process.exitCode = await (await loadCli())(process.argv.slice(2), services);

/** dist/ holds the command line as one file, half of it compiled; from sources it is read file by file. */
async function loadCli(): Promise<typeof runCli> {
  const bundle = join(import.meta.dirname, '../cli.cjs');
  if (!existsSync(bundle)) return (await import('../cli/main.ts')).runCli;
  return new (await import('./cli-bundle.ts')).CliBundle(bundle).runCli;
}
