import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { streamBelow } from '../../kernel/rooted.ts';
import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';
import type { SourceProvenance } from '../build.ts';
import type { BuildOptions } from '../request/request.ts';

export type FileHashes = NonNullable<SourceProvenance['fileHashes']>;
type HashType = FileHashes[string]['fileHash'][number]['type'];

const ALGORITHMS: Readonly<Record<HashType, string>> = { SHA256: 'sha256', MD5: 'md5', SHA512: 'sha512' };
/** They are kept with the build, which lists of builds read. */
const MAX_FILES = 1000;

/** What `options.sourceProvenanceHash` asks for; GO_MODULE_H1 is of Go modules, not of sources. */
export function hashTypes(options: BuildOptions): HashType[] {
  const asked = new Set<string>(options.sourceProvenanceHash ?? []);
  return (['SHA256', 'MD5', 'SHA512'] as const).filter((type) => asked.has(type));
}

/** Of a source that came as one object. */
export async function hashesOfObject(
  object: BucketObject,
  buckets: BucketReader,
  types: readonly HashType[],
): Promise<FileHashes> {
  const name = `gs://${object.bucket}/${object.name}#${object.generation}`;
  return { [name]: await hashesOf(await buckets.open(object), types) };
}

/**
 * Of a repository's files, by their path, links and `.git` aside.
 * @returns undefined when there are more than a build's record should hold; the commit says what they were
 */
export async function hashesOfFolder(folder: string, types: readonly HashType[]): Promise<FileHashes | undefined> {
  const paths: string[] = [];
  const folders = [''];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await readdir(join(folder, next), { withFileTypes: true })) {
      const path = next === '' ? entry.name : `${next}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== '.git') folders.push(path);
      if (!entry.isFile()) continue;
      paths.push(path);
      if (paths.length > MAX_FILES) return undefined;
    }
  }
  const hashes: FileHashes = {};
  for (const path of paths.sort()) hashes[path] = await hashesOf(streamBelow(folder, path), types);
  return hashes;
}

async function hashesOf(bytes: AsyncIterable<Uint8Array>, types: readonly HashType[]): Promise<FileHashes[string]> {
  const hashes = types.map((type) => ({ type, hash: createHash(ALGORITHMS[type]) }));
  for await (const chunk of bytes) for (const { hash } of hashes) hash.update(chunk);
  return { fileHash: hashes.map(({ type, hash }) => ({ type, value: hash.digest('base64') })) };
}
