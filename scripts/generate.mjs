// Makes src/doors/docker/buildkit/gen/ from the protocol beside it. Needs protoc (Debian's protobuf-compiler).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'src/doors/docker/buildkit');
const protocol = readdirSync(join(folder, 'proto')).filter((name) => name.endsWith('.proto'));

rmSync(join(folder, 'gen'), { recursive: true, force: true });
mkdirSync(join(folder, 'gen'));
const { status, error } = spawnSync(
  'protoc',
  [
    '-I',
    'proto',
    `--plugin=${join(root, 'node_modules/.bin/protoc-gen-es')}`,
    '--es_out=gen',
    '--es_opt=target=ts,import_extension=ts',
    ...protocol,
  ],
  { cwd: folder, stdio: 'inherit' },
);
if (error !== undefined) process.stderr.write(`error: ${error.message} (apt-get install protobuf-compiler)\n`);
process.exit(status ?? 1);
