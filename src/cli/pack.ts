import { createReadStream, createWriteStream } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { TarHeader } from '../images/tar/header.ts';
import { type TarInput, writeTar } from '../images/tar/write.ts';
import { walkSource } from './sources/walk-source.ts';

export interface Packed {
  files: number;
  /** Bytes before compression. */
  bytes: number;
}

/**
 * Packs a folder as `gcloud builds submit` does: by .gcloudignore, or without one and with git, by .gitignore and without
 * git's own files. Owners are root's, modes and times are kept, links stay links.
 * @throws Problem `not-found` when there is no such folder
 */
export async function packSource(folder: string, target: string, signal: AbortSignal): Promise<Packed> {
  const packed: Packed = { files: 0, bytes: 0 };
  const tar = Readable.from(writeTar(entriesOf(folder, packed)), { objectMode: false });
  await pipeline(tar, createGzip({ level: 6 }), createWriteStream(target, { mode: 0o600 }), { signal });
  return packed;
}

async function* entriesOf(folder: string, packed: Packed): AsyncGenerator<TarInput> {
  for await (const { path: name, full, stat } of walkSource(folder)) {
    const mtime = Number(stat.mtimeMs / 1000n);
    const common = { name, mode: Number(stat.mode) & 0o7777, uid: 0, gid: 0, mtime };
    if (stat.isDirectory()) yield { header: { ...common, type: 'directory', size: 0 } satisfies TarHeader };
    else if (stat.isSymbolicLink())
      yield { header: { ...common, type: 'symlink', size: 0, linkname: await readlink(full) } satisfies TarHeader };
    else {
      const size = Number(stat.size);
      packed.files++;
      packed.bytes += size;
      yield { header: { ...common, type: 'file', size } satisfies TarHeader, body: createReadStream(full) };
    }
  }
}

/** Whether a source is an archive that is uploaded as it is. */
export function isArchive(path: string): boolean {
  return /\.(?:tgz|tar\.gz|zip)$/.test(basename(path));
}
