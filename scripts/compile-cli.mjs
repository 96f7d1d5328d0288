// Keeps what V8 compiles of the command line: functions are compiled when they are called first, so the commands that people
// wait for are called here, with a server that answers at once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliBundle, compiledPath } from '../dist/start/cli-bundle.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'dist/cli.cjs');
rmSync(compiledPath(file), { force: true });
const folder = mkdtempSync(join(tmpdir(), 'slipway-compile-'));
try {
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');
  const bundle = new CliBundle(file);
  const services = {
    version: '0',
    root,
    serve: async () => 0,
    openOwner: async () => ({ call: answer, close: async () => undefined }),
  };
  for (const [command, ...args] of [
    ['build', '--progress', 'json', '-t', 'example', folder],
    ['build', '--progress', 'plain', '-t', 'example', folder],
    ['push', 'example'],
    ['pull', '--json', 'example'],
    ['copy', '--json', 'example', 'example'],
    ['images'],
  ])
    await bundle.runCli(['--data', folder, command, ...args], services);
  writeFileSync(compiledPath(file), bundle.compiled());
} finally {
  rmSync(folder, { recursive: true });
}

async function answer(method, _request, onEvent) {
  if (method !== 'build') return method === 'pull' ? { digest: '', ms: 0 } : [];
  onEvent?.({ kind: 'vertex', id: 1, name: '[1/1] FROM scratch' });
  onEvent?.({ kind: 'end', id: 1, status: 'done', ms: 0 });
  return { images: [], steps: [], pushed: [], ms: 0 };
}
