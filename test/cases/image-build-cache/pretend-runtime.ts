import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerRuntime, ContainerSpec } from '../../../src/containers/container.ts';
import { noContainers } from '../image-build/test-engine.ts';

export interface PretendRuntime extends ContainerRuntime {
  /** Commands that ran, in order. */
  ran: string[];
}

/**
 * Runs no container, so that thousands of RUN lines take seconds. `RUN NAME` writes `/NAME` with all that a real command
 * could read: the command, its environment, folder and user, the tree and the mounts, times left out. So a cached result
 * that should have been another shows in the file.
 */
export function pretendRuntime(): PretendRuntime {
  const ran: string[] = [];
  /** By folder: trees that lie below others never change. */
  const known = new Map<string, string>();
  const treeOf = (folder: string): string => {
    const digest = known.get(folder) ?? digestOfTree(folder);
    known.set(folder, digest);
    return digest;
  };
  return {
    ...noContainers,
    ran,
    async run({ args, env, cwd, user, network, mounts, rootfs }: ContainerSpec) {
      const command = args.at(-1) ?? '';
      ran.push(command);
      const file = join(rootfs.upper, /^\w+/.exec(command)?.[0] ?? 'result');
      const shown = mounts.flatMap((mount) =>
        mount.kind === 'bind' && !mount.target.startsWith('/etc') ? [[mount.target, digestOfTree(mount.source)]] : [],
      );
      const seen = [command, [...env].sort(), cwd, user, network.kind, rootfs.lowers.map(treeOf), shown];
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(seen));
      return { code: 0, outOfMemory: false };
    },
  };
}

/** Names, types, modes, owners and content of everything below. */
function digestOfTree(path: string): string {
  const stat = lstatSync(path);
  const hash = createHash('sha256').update(`${stat.mode} ${stat.uid} ${stat.gid} `);
  if (stat.isFile()) hash.update(readFileSync(path));
  else if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
  else if (stat.isDirectory())
    for (const name of readdirSync(path).sort()) hash.update(`${name} ${digestOfTree(join(path, name))} `);
  return hash.digest('hex').slice(0, 16);
}
