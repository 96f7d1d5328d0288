import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { rawTar } from '../hostile-layers/raw-tar.ts';

/** A small tar as each of this machine's packers packs it. */
export function packed(): { kind: string; bytes: Buffer }[] {
  const tar = rawTar([{ name: 'f', body: Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251)) }]);
  const out = [{ kind: 'gzip', bytes: gzipSync(tar) }];
  for (const [kind, args] of [
    ['bzip2', ['-c']],
    ['xz', ['-c']],
    ['zstd', ['-qc']],
  ] as const) {
    try {
      out.push({ kind, bytes: execFileSync(kind, args, { input: tar }) });
    } catch {
      // a machine without it has less to try
    }
  }
  return out;
}
