// Makes the gen/ of every folder that has a proto/ beside it. Needs protoc (Debian's protobuf-compiler).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** gRPC's own messages are generated once, in its folder; those who mention them import them from there. */
const FOLDERS = [
  { folder: 'src/doors/grpc' },
  { folder: 'src/doors/logging' },
  {
    folder: 'src/doors/docker/buildkit',
    include: '../../grpc/proto',
    rewrite: './rpc-status_pb.js:../../../grpc/gen',
  },
];

for (const { folder, include, rewrite } of FOLDERS) generate(join(root, folder), include, rewrite);

function generate(folder, include, rewrite) {
  const protocol = readdirSync(join(folder, 'proto')).filter((name) => name.endsWith('.proto'));
  rmSync(join(folder, 'gen'), { recursive: true, force: true });
  mkdirSync(join(folder, 'gen'));
  const { status, error } = spawnSync(
    'protoc',
    [
      '-I',
      'proto',
      ...(include === undefined ? [] : ['-I', include]),
      `--plugin=${join(root, 'node_modules/.bin/protoc-gen-es')}`,
      '--es_out=gen',
      '--es_opt=target=ts,import_extension=ts',
      ...(rewrite === undefined ? [] : [`--es_opt=rewrite_imports=${rewrite}`]),
      ...protocol,
    ],
    { cwd: folder, stdio: 'inherit' },
  );
  if (error !== undefined) process.stderr.write(`error: ${error.message} (apt-get install protobuf-compiler)\n`);
  if (status !== 0) process.exit(status ?? 1);
}
