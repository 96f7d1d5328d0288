// npm run check: everything that must hold before a commit, in under a minute. The parts run side by side, and their
// output is shown whole, one after the other, only where something is wrong.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name, ...args) => [`node_modules/.bin/${name}`, args];
const PARTS = [
  ['types', ...bin('tsc', '-p', '.')],
  ['lint and format', ...bin('biome', 'check', '--error-on-warnings', '.')],
  ['dead code', ...bin('knip')],
  // one process for many files: half the processor time, because the libraries are loaded once. `npm test` gives every file
  // a process of its own, so a test that leans on another file's leftovers is found there.
  [
    'layers and unit tests',
    ...bin(
      'vitest',
      'run',
      '--project',
      'unit',
      '--no-isolate',
      '--reporter=dot',
      '--reporter=./test/count-reporter.ts',
    ),
  ],
];

const started = Date.now();
const results = await Promise.all(PARTS.map(([name, program, args]) => run(name, program, args)));
for (const { name, code, output, ms } of results) {
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(24)} ${(ms / 1000).toFixed(1)} s\n`);
  if (code !== 0) process.stdout.write(`${output}\n`);
}
process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
process.exit(results.some((result) => result.code !== 0) ? 1 : 0);

function run(name, program, args) {
  const begun = Date.now();
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1' };
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ name, code: 1, output: error.message, ms: Date.now() - begun }));
    child.on('close', (code) => resolve({ name, code: code ?? 1, output, ms: Date.now() - begun }));
  });
}
