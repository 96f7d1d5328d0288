import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { layerXattrs } from '../../containers/sandbox/overlay-marks.ts';
import { pathText } from '../../images/tar/path-text.ts';
import { type TarInput, writeTar } from '../../images/tar/write.ts';
import { setTimes } from '../../kernel/file-times.ts';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import { setXattr } from '../../kernel/xattr.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { unpackLayer } from '../snapshots/unpack.ts';
import { MergedTree } from '../trees/merged-tree.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Writes a tree of files into a folder, with owners, modes, times, attributes, links and devices. What the folder holds
 * stays, unless the tree has the same path: then files are replaced, folders merged, and a file gives way to a folder as a
 * folder to a file; links in the folder are never followed.
 *
 * The tree is written beside everything first and moved in at the end, so that a write that fails leaves the folder as it
 * was.
 * @param folder absolute; made when it isn't there
 * @throws Problem `invalid` when a file has that name
 */
export async function writeFolder(
  folder: string,
  entries: AsyncIterable<TarInput>,
  signal: AbortSignal,
): Promise<void> {
  const made = await makeFolder(folder);
  try {
    const target = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await fill(target, entries, signal);
    } finally {
      closeSync(target);
    }
  } catch (error) {
    if (made) removeEmpty(folder);
    throw error;
  }
}

/** @returns whether it was made */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    return (await mkdir(folder, { recursive: true })) !== undefined;
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST', 'ENOTDIR')) throw error;
    throw new Problem('invalid', `output folder ${folder}: a file has that name`, { cause: error });
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // somebody else put something into it meanwhile
  }
}

async function fill(target: number, entries: AsyncIterable<TarInput>, signal: AbortSignal): Promise<void> {
  const beside = `.slipway-${randomBytes(8).toString('hex')}`;
  const path = `${selfFd(target)}/${beside}`;
  mkdirSync(path, 0o700);
  try {
    const stage = openBelow(target, beside, FOLDER);
    try {
      await unpackLayer(writeTar(entries), selfFd(stage), MergedTree.empty, signal);
      moveInto(stage, target);
    } finally {
      closeSync(stage);
    }
  } finally {
    await removeTree(path);
  }
}

/** Moves what one folder holds into another; both are handles, so nobody can put a link in their place meanwhile. */
function moveInto(from: number, to: number): void {
  for (const name of readdirSync(selfFd(from), { encoding: 'buffer' })) {
    const source = Buffer.concat([Buffer.from(`${selfFd(from)}/`), name]);
    const target = Buffer.concat([Buffer.from(`${selfFd(to)}/`), name]);
    const found = lstatIfThere(target);
    const stat = lstatSync(source);
    if (found === undefined || (!found.isDirectory() && !stat.isDirectory())) renameSync(source, target);
    else if (found.isDirectory() && stat.isDirectory()) mergeFolder(from, to, name);
    else {
      if (found.isDirectory()) removeFolder(to, name);
      else unlinkSync(target);
      renameSync(source, target);
    }
  }
}

function mergeFolder(from: number, to: number, name: Buffer): void {
  const source = openBelow(from, name, FOLDER);
  try {
    const target = openBelow(to, name, FOLDER);
    try {
      const stat = fstatSync(source, { bigint: true });
      moveInto(source, target);
      fchownSync(target, Number(stat.uid), Number(stat.gid));
      fchmodSync(target, Number(stat.mode) & 0o7777);
      const at = Buffer.concat([Buffer.from(`${selfFd(to)}/`), name]);
      for (const [attribute, value] of Object.entries(layerXattrs(Buffer.from(`${selfFd(source)}/.`)) ?? {}))
        setXattr(Buffer.from(`${selfFd(target)}/.`), attribute, value);
      setTimes(at, stat.mtimeNs, stat.mtimeNs);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** By handles as well: what is removed is what lies there, whatever a link says. */
function removeFolder(parent: number, name: Buffer): void {
  const folder = openBelow(parent, name, FOLDER);
  try {
    for (const each of readdirSync(selfFd(folder), { encoding: 'buffer' })) {
      const at = Buffer.concat([Buffer.from(`${selfFd(folder)}/`), each]);
      if (lstatSync(at).isDirectory()) removeFolder(folder, each);
      else unlinkSync(at);
    }
  } finally {
    closeSync(folder);
  }
  rmdirSync(Buffer.concat([Buffer.from(`${selfFd(parent)}/`), name]));
}

function lstatIfThere(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw new Problem('failed', `${pathText(path)} can't be looked at`, { cause: error });
  }
}
