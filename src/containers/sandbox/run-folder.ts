import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { currentOwner, type Owner, ownerLives } from './owner.ts';

/** A `group` has no folder: it is a cgroup, whose name has the same form. */
export type RunKind = 'container' | 'network' | 'group';

/**
 * The folder of one running thing: `<kind>-<id>@<owner>`. The name alone says whose it is, so that there is no moment in
 * which it exists without an owner, and a sweep can tell those of the dead from those of siblings at work.
 */
export interface RunFolder {
  path: string;
  kind: RunKind;
  id: string;
  owner: Owner;
}

/** @throws Problem `conflict` when this process has one of that id already */
export async function makeRunFolder(runFolder: string, kind: RunKind, id: string): Promise<RunFolder> {
  const owner = currentOwner();
  const path = join(runFolder, runFolderName(kind, id, owner));
  await mkdir(runFolder, { recursive: true, mode: 0o700 });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) throw new Problem('conflict', `a ${kind} named ${id} is running already`);
    throw error;
  }
  return { path, kind, id, owner };
}

/** Nothing may be mounted below it any more: rm does not cross mounts knowingly, it would delete through a bind. */
export async function removeRunFolder(folder: RunFolder): Promise<void> {
  await rm(folder.path, { recursive: true, force: true });
}

/** Those whose process has ended. */
export async function deadRunFolders(runFolder: string): Promise<RunFolder[]> {
  let names: string[];
  try {
    names = await readdir(runFolder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
  return names
    .map((name) => parseRunFolder(runFolder, name))
    .filter((folder): folder is RunFolder => folder !== undefined && !ownerLives(folder.owner));
}

/** The cgroup of a container. No common parent, since one that is removed when empty races with the next container. */
export function groupOf(tag: string, folder: RunFolder): string {
  return `/${groupPrefix(tag)}${runFolderName(folder.kind, folder.id, folder.owner)}`;
}

export function groupPrefix(tag: string): string {
  return `slipway-${tag}-`;
}

function runFolderName(kind: RunKind, id: string, owner: Owner): string {
  return `${kind}-${id}@${owner}`;
}

/** Undefined for a name that isn't ours. */
export function parseRunFolder(runFolder: string, name: string): RunFolder | undefined {
  const match = /^(container|network|group)-([a-z0-9-]+)@([0-9a-f]+\.\d+\.\d+)$/.exec(name);
  if (match === null) return undefined;
  const [, kind = '', id = '', owner = ''] = match;
  return { path: join(runFolder, name), kind: kind as RunKind, id, owner };
}
