// dist/: tsc emits the server module by module; the command line alone is bundled, because importing its libraries file
// by file costs 150 ms at every call, and kept as compiled code besides, which saves another 15 ms of processor time.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, 'dist'), { recursive: true, force: true });

const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // comments are the only characters beyond ASCII, which src/start/cli-bundle.ts relies on
  charset: 'ascii',
  legalComments: 'none',
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['koffi', 'libsql', 'pino'],
  logLevel: 'warning',
});

const compiled = spawnSync(process.execPath, [join(root, 'scripts/compile-cli.mjs')], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'pipe'],
});
if (compiled.status !== 0) process.stderr.write(compiled.stderr);
process.exit(compiled.status ?? 1);
