import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultIgnoreText, type IgnoreRules, parseIgnoreFile } from '../../builds/sources/gcloudignore.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

/** A file, folder or link that is to be uploaded. */
export interface SourceEntry {
  /** Relative, with slashes. */
  path: string;
  /** On this machine. */
  full: string;
  stat: BigIntStats;
}

/**
 * What `gcloud builds submit` would upload of a folder: by .gcloudignore, or without one and with git, by .gitignore and
 * without git's own files. By name in every folder, a folder before what is in it; links are not followed.
 * @throws Problem `not-found` when there is no such folder
 */
export async function* walkSource(folder: string): AsyncGenerator<SourceEntry> {
  const names = await list(folder);
  yield* entriesOf(folder, '', names, await ignoreRules(folder, new Set(names)));
}

async function ignoreRules(folder: string, names: ReadonlySet<string>): Promise<IgnoreRules | undefined> {
  const read = (name: string) => readText(join(folder, name));
  const own = await read('.gcloudignore');
  if (own !== undefined) return parseIgnoreFile(own, '.gcloudignore', read);
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
  names: readonly string[],
  rules: IgnoreRules | undefined,
): AsyncGenerator<SourceEntry> {
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    const full = join(root, path);
    const stat = await lstat(full, { bigint: true });
    if (rules?.excludes(path, stat.isDirectory()) !== undefined) continue;
    if (stat.isDirectory()) {
      const inner = await list(full);
      if (isDataFolder(inner)) continue;
      yield { path, full, stat };
      yield* entriesOf(root, path, inner, rules);
    } else if (stat.isSymbolicLink() || stat.isFile()) yield { path, full, stat };
  }
}

/**
 * A data folder of ours (`.slipway` in a project) is no source, whatever the rules say: its token would be in every step.
 */
function isDataFolder(names: readonly string[]): boolean {
  return names.includes('owner.lock') && names.includes('signing-key');
}
