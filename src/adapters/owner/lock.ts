import { type FileHandle, open } from 'node:fs/promises';
import { tryLock } from '../../kernel/flock.ts';
import type { DataFolder } from '../../lib/data-folder.ts';
import { Problem } from '../../lib/problem.ts';

/** Held for the owner's lifetime; the kernel ends it with the process, however that ends. */
export interface OwnerLock {
  release(): Promise<void>;
}

/** A handle that nobody refers to is closed by the garbage collector, and the lock would end with it. */
const held = new Set<FileHandle>();

/**
 * Makes this process the owner of a data folder. The lock file says who that is (`<pid> <what it does>`); it is never
 * removed, because a lock on a removed file would exclude nobody.
 * @param activity for whoever comes second, e.g. `slipway serve`
 * @throws Problem `conflict` when another process owns it
 */
export async function lockDataFolder(folder: DataFolder, activity: string): Promise<OwnerLock> {
  const handle = await open(folder.lock, 'a+', 0o600);
  try {
    if (!tryLock(handle.fd)) throw await ownedAlready(folder, handle);
    await handle.truncate(0);
    await handle.write(`${process.pid} ${activity}\n`);
  } catch (error) {
    await handle.close();
    throw error;
  }
  held.add(handle);
  return {
    async release() {
      held.delete(handle);
      await handle.close();
    },
  };
}

async function ownedAlready(folder: DataFolder, handle: FileHandle): Promise<Problem> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(200), 0, 200, 0);
  const [, pid, activity] = /^(\d+) (.*)/.exec(buffer.toString('utf8', 0, bytesRead)) ?? [];
  const owner = pid === undefined ? 'another process' : `process ${pid} (${activity})`;
  const stop = pid === undefined ? 'stop that process' : `stop it with \`kill ${pid}\``;
  return new Problem('conflict', `the data folder ${folder.root} is owned by ${owner}`, {
    hint: `Commands talk to that server by themselves. To start another, ${stop} first or choose another folder with --data.`,
  });
}
