import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { defaultIgnoreText, type IgnoreRules, parseIgnoreFile } from '../builds/sources/gcloudignore.ts';
import type { TarHeader } from '../images/tar/header.ts';
import { type TarInput, writeTar } from '../images/tar/write.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';

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
  const rules = await ignoreRules(folder);
  const tar = Readable.from(writeTar(entriesOf(folder, '', rules, packed)), { objectMode: false });
  await pipeline(tar, createGzip({ level: 6 }), createWriteStream(target, { mode: 0o600 }), { signal });
  return packed;
}

async function ignoreRules(folder: string): Promise<IgnoreRules | undefined> {
  const read = (name: string) => readText(join(folder, name));
  const own = await read('.gcloudignore');
  if (own !== undefined) return parseIgnoreFile(own, '.gcloudignore', read);
  const names = new Set(await list(folder));
  if (!names.has('.git') && !names.has('.gitignore')) return undefined;
  return parseIgnoreFile(defaultIgnoreText(names.has('.gitignore')), '.gcloudignore', read);
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR'))
      throw new Problem('not-found', `no such folder: ${folder}`, {
        hint: 'The argument of slipway submit is the folder to upload, or an archive of it (.tgz, .tar.gz, .zip).',
      });
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'EISDIR')) return undefined;
    throw error;
  }
}

async function* entriesOf(
  root: string,
  below: string,
  rules: IgnoreRules | undefined,
  packed: Packed,
): AsyncGenerator<TarInput> {
  for (const name of await list(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const full = join(root, path);
    const stat = await lstat(full);
    if (rules?.excludes(path, stat.isDirectory()) !== undefined) continue;
    const common = { name: path, mode: stat.mode & 0o7777, uid: 0, gid: 0, mtime: Math.floor(stat.mtimeMs / 1000) };
    if (stat.isDirectory()) {
      yield { header: { ...common, type: 'directory', size: 0 } satisfies TarHeader };
      yield* entriesOf(root, path, rules, packed);
    } else if (stat.isSymbolicLink()) {
      yield { header: { ...common, type: 'symlink', size: 0, linkname: await readlink(full) } satisfies TarHeader };
    } else if (stat.isFile()) {
      packed.files++;
      packed.bytes += stat.size;
      yield { header: { ...common, type: 'file', size: stat.size } satisfies TarHeader, body: createReadStream(full) };
    }
  }
}

/** Whether a source is an archive that is uploaded as it is. */
export function isArchive(path: string): boolean {
  return /\.(?:tgz|tar\.gz|zip)$/.test(basename(path));
}
