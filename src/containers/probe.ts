import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeAvailable } from '../kernel/libc.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import { run } from '../lib/run.ts';
import { canMakeGroups, controllerRoot, readHierarchies } from './sandbox/cgroup.ts';
import { mountOverlay, unmountOverlay } from './sandbox/overlay.ts';
import { groupPrefix, makeRunFolder, removeRunFolder } from './sandbox/run-folder.ts';

/**
 * What this machine lacks for containers, in sentences with the remedy; tried out instead of looked up, since a kernel may
 * have overlayfs and refuse it on this file system.
 */
export async function probeMachine(runFolder: string): Promise<string[]> {
  return [
    ...(await missingForContainers()),
    ...(await overlayTrouble(runFolder)),
    ...(await cgroupTrouble()),
    ...(await networkTrouble()),
  ];
}

/** The least that `run` needs; cheap enough to ask before the first container. */
export async function missingForContainers(): Promise<string[]> {
  const missing: string[] = [];
  if (process.getuid?.() !== 0)
    missing.push('Containers need root: start the server with sudo or as a system service.');
  if (!nativeAvailable()) missing.push("The koffi module can't be loaded: run npm install on this machine.");
  missing.push(...(await runcTrouble()));
  for (const program of ['setpriv', 'unshare', 'nsenter']) {
    if ((await versionOf(program)) === undefined) missing.push(`${program} is missing: apt-get install util-linux.`);
  }
  return missing;
}

/** `run --keep`, which lets us read how a container ended, came with 1.1. */
const OLDEST_RUNC: [major: number, minor: number] = [1, 1];

async function runcTrouble(): Promise<string[]> {
  const text = await versionOf('runc');
  if (text === undefined) return ['runc is missing: apt-get install runc.'];
  const [, major, minor] = /runc version (\d+)\.(\d+)/.exec(text) ?? [];
  const isOld = Number(major) < OLDEST_RUNC[0] || (Number(major) === OLDEST_RUNC[0] && Number(minor) < OLDEST_RUNC[1]);
  return isOld ? [`runc ${major}.${minor} is too old: install runc ${OLDEST_RUNC.join('.')} or newer.`] : [];
}

async function overlayTrouble(runFolder: string): Promise<string[]> {
  const folder = await makeRunFolder(runFolder, 'container', `probe-${randomBytes(4).toString('hex')}`);
  const target = join(folder.path, 'merged');
  const overlay = { lowers: [join(folder.path, 'lower')], upper: join(folder.path, 'upper') };
  try {
    for (const path of [target, overlay.upper, ...overlay.lowers]) await mkdir(path);
    await mountOverlay(target, overlay);
    return [];
  } catch (error) {
    return [
      `overlayfs can't be mounted in ${runFolder} (${messageOf(error)}): put the data folder on ext4 or xfs, not on an ` +
        'overlay or a network file system.',
    ];
  } finally {
    await unmountOverlay(target, overlay);
    await removeRunFolder(folder);
  }
}

async function cgroupTrouble(): Promise<string[]> {
  const hierarchies = await readHierarchies();
  if (hierarchies.length === 0) return ['No cgroups are mounted: mount them at /sys/fs/cgroup.'];
  if (!(await canMakeGroups(hierarchies, `/${groupPrefix('probe')}${process.pid}`))) {
    return ['Control groups can not be made: /sys/fs/cgroup is read-only; in a container, it needs --privileged.'];
  }
  return ['memory', 'pids']
    .filter((controller) => controllerRoot(hierarchies, controller) === undefined)
    .map((controller) => `The cgroup controller "${controller}" is off: limits of that kind will fail.`);
}

async function networkTrouble(): Promise<string[]> {
  const trouble: string[] = [];
  if ((await versionOf('ip', '-Version')) === undefined) {
    trouble.push('ip is missing, so builds have no network: apt-get install iproute2.');
  }
  if ((await versionOf('nft')) === undefined) {
    trouble.push('nft is missing, so builds have no network: apt-get install nftables.');
  } else if ((await run('nft', ['list', 'tables'])).code !== 0) {
    trouble.push('nftables may not be used, so builds have no network: the server needs CAP_NET_ADMIN.');
  }
  const resolvConf = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  if (!/^\s*nameserver\s/m.test(resolvConf))
    trouble.push('/etc/resolv.conf names no nameserver: builds resolve no names.');
  return trouble;
}

async function versionOf(program: string, flag = '--version'): Promise<string | undefined> {
  try {
    return (await run(program, [flag])).stdout;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined;
    throw error;
  }
}
