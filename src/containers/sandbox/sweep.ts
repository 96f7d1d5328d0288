import { readdir, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type MountEntry, readMountTable } from '../../kernel/mount-table.ts';
import { hasErrorCode } from '../../lib/problem.ts';
import { run } from '../../lib/run.ts';
import type { SweepReport } from '../container.ts';
import { bridgeAlias, removeBridge } from './bridge.ts';
import { groupsBelow, type Hierarchy, killGroup, readHierarchies, removeGroup } from './cgroup.ts';
import { BRIDGE_PREFIX } from './firewall.ts';
import { overlayOwner, unmountIfMounted, workFolder } from './overlay.ts';
import { ownerLives } from './owner.ts';
import { deadRunFolders, groupPrefix, parseRunFolder, type RunFolder, removeRunFolder } from './run-folder.ts';

export interface SweepScope {
  dataFolder: string;
  runFolder: string;
  tag: string;
}

/**
 * Takes down what dead processes left, in the order that sets things free: processes, mounts, networks, folders. What
 * belongs to a living process, of this data folder or another, is not touched.
 */
export async function sweep(scope: SweepScope): Promise<SweepReport> {
  const { tag } = scope;
  // The mount table has paths without links.
  const [dataFolder, runFolder] = await Promise.all([resolved(scope.dataFolder), resolved(scope.runFolder)]);
  const dead = await deadRunFolders(runFolder);
  const report: SweepReport = { containers: 0, mounts: 0, networks: 0, folders: 0 };
  report.containers = await endGroups(await readHierarchies(), tag);
  report.mounts = await unmountDead(dataFolder, dead);
  for (const folder of dead) await removeLeftovers(folder);
  report.networks = await removeDeadBridges(dead, tag);
  for (const folder of dead) {
    await removeRunFolder(folder);
    report.folders++;
  }
  return report;
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return path;
    throw error;
  }
}

async function endGroups(hierarchies: Hierarchy[], tag: string): Promise<number> {
  let ended = 0;
  for (const name of await groupsBelow(hierarchies, '/')) {
    if (!name.startsWith(groupPrefix(tag))) continue;
    const folder = parseRunFolder('/', name.slice(groupPrefix(tag).length));
    if (folder === undefined || ownerLives(folder.owner)) continue;
    await killGroup(hierarchies, `/${name}`);
    await removeGroup(hierarchies, `/${name}`);
    ended++;
  }
  return ended;
}

/**
 * Everything in the folders of the dead, and overlays that they mounted elsewhere in the data folder. From the last in the
 * table to the first: what lies on top goes first.
 */
async function unmountDead(dataFolder: string, dead: RunFolder[]): Promise<number> {
  const isDead = ({ target, source }: MountEntry) => {
    if (dead.some(({ path }) => target.startsWith(`${path}/`))) return true;
    const owner = overlayOwner(source);
    return target.startsWith(`${dataFolder}/`) && owner !== undefined && !ownerLives(owner);
  };
  const found = (await readMountTable()).filter(isDead);
  for (const { target } of found.reverse()) await unmountIfMounted(target);
  return found.length;
}

/** What a container has outside of its folder, written down there before it was made. */
async function removeLeftovers(folder: RunFolder): Promise<void> {
  const upper = await noteIn(folder, 'upper');
  if (upper !== undefined) await rm(workFolder(upper), { recursive: true, force: true });
  const link = await noteIn(folder, 'link');
  if (link !== undefined) await run('ip', ['link', 'del', link]);
}

async function noteIn(folder: RunFolder, name: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder.path, name), 'utf8')) || undefined;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * By alias: those of this tag whose process is dead. And by folder: one that was just created has no alias yet, but its
 * folder was there before it.
 */
async function removeDeadBridges(dead: RunFolder[], tag: string): Promise<number> {
  let removed = 0;
  for (const name of await bridgeNames()) {
    const alias = await aliasOf(name);
    const [, , owner = ''] = alias.split(' ');
    const isDead = alias === '' ? dead.some(({ kind, id }) => kind === 'network' && id === name) : !ownerLives(owner);
    if (!isDead || (alias !== '' && !alias.startsWith(`${bridgeAlias(tag, owner)} `))) continue;
    await removeBridge(name);
    removed++;
  }
  return removed;
}

async function bridgeNames(): Promise<string[]> {
  return (await readdir('/sys/class/net')).filter((name) => new RegExp(`^${BRIDGE_PREFIX}\\d+$`).test(name));
}

async function aliasOf(link: string): Promise<string> {
  try {
    return (await readFile(`/sys/class/net/${link}/ifalias`, 'utf8')).trim();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}
