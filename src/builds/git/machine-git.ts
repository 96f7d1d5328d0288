import { lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount } from '../../containers/container.ts';
import type { MountableRootfs } from '../../engine/engine.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/**
 * Folders that this machine's packages fill and that git, its helpers and ssh are made of. Not /usr/local and not /etc: a
 * step is root in its container, and what only root may read there may be this machine's secrets.
 */
const PROGRAMS = ['/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libx32', '/usr/libexec'];
const SHARED = ['/usr/share/git-core', '/usr/share/perl', '/usr/share/perl5', '/usr/share/ca-certificates'];
const CERTIFICATES = ['/etc/ssl/certs', '/etc/pki/tls/certs', '/etc/pki/ca-trust/extracted'];
/** Links to those below /usr where the machine has merged them (all that are less than ten years old). */
const ROOTS = ['/bin', '/lib', '/lib32', '/lib64', '/libx32'];

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface MachineRootfs extends Omit<MountableRootfs, 'digest'> {
  /** It is no image. */
  digest: '';
  mounts: ContainerMount[];
}

/**
 * What a step runs in that wants git and nothing else: this machine's own git, read-only, as an image would hold it. All
 * else is as in any step: its files, its environment, its network (decision 0026).
 * @param folder an empty one of the step
 * @returns undefined when this machine has no git
 */
export async function openMachineGit(folder: string, entrypoint: string[]): Promise<MachineRootfs | undefined> {
  if ((await kindOf('/usr/bin/git')) === undefined) return undefined;
  const root = join(folder, 'root');
  for (const path of ['etc', 'tmp', 'root', 'usr/share'])
    await mkdir(join(root, path), { recursive: true, mode: 0o755 });
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
  const mounts: ContainerMount[] = [];
  for (const path of [...PROGRAMS, ...SHARED, ...CERTIFICATES, ...ROOTS]) {
    const kind = await kindOf(path);
    if (kind === 'link') {
      await mkdir(join(root, path, '..'), { recursive: true });
      await symlink(await readlink(path), join(root, path));
    } else if (kind === 'folder') mounts.push({ kind: 'bind', source: path, target: path, readonly: true });
  }
  return {
    lowers: [root],
    config: {
      os: 'linux',
      architecture: '',
      rootfs: { type: 'layers', diff_ids: [] },
      config: { Entrypoint: entrypoint, Env: [PATH] },
    },
    digest: '',
    mounts,
    release: async () => undefined,
  };
}

async function kindOf(path: string): Promise<'link' | 'folder' | 'other' | undefined> {
  try {
    const stat = await lstat(path);
    return stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
