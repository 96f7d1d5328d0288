import { execFileSync } from 'node:child_process';
import tar from 'tar-stream';

/** One entry of an archive as `args.json` says it. */
export interface ArchiveEntry {
  name: string;
  type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device' | 'block-device' | 'fifo';
  mode?: string;
  uid?: number;
  gid?: number;
  linkname?: string;
  text?: string;
  devmajor?: number;
  devminor?: number;
  pax?: Record<string, string>;
}

/** Programs by the end of an archive's name; the same bytes every time. */
const PACKERS: [RegExp, string, ...string[]][] = [
  [/gz$/, 'gzip', '-nc'],
  [/bz2$/, 'bzip2', '-c'],
  [/xz$/, 'xz', '-c'],
  [/zst$/, 'zstd', '-qc'],
];

export async function packArchive(name: string, entries: readonly ArchiveEntry[], mtime: Date): Promise<Buffer> {
  const archive = tar.pack();
  for (const { text = '', mode, type = 'file', ...rest } of entries) {
    const permission = Number.parseInt(mode ?? (type === 'directory' ? '755' : '644'), 8);
    archive.entry({ ...rest, type, mode: permission, mtime }, type === 'file' ? text : '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const plain = Buffer.concat(chunks);
  const packer = PACKERS.find(([ending]) => ending.test(name));
  if (packer === undefined) return plain;
  const [, program, ...args] = packer;
  return execFileSync(program, args, { input: plain, maxBuffer: 64 << 20 });
}

/** The program that this machine lacks to make an archive of that name. */
export function missingPacker(name: string): string | undefined {
  const packer = PACKERS.find(([ending]) => ending.test(name));
  if (packer === undefined) return undefined;
  try {
    execFileSync(packer[1], ['--version'], { stdio: 'ignore', input: '' });
    return undefined;
  } catch {
    return packer[1];
  }
}
