import { type FileHandle, open } from 'node:fs/promises';
import { tryLock } from '../../kernel/flock.ts';
import type { DataFolder } from '../../lib/data-folder.ts';
import { Problem } from '../../lib/problem.ts';

/** Held for the owner's lifetime; the kernel ends it with the process, however that ends. */
export interface OwnerLock {
  release(): Promise<void>;
}

/** Another process owns the data folder; `activity` is what it said it does. */
export class AlreadyOwned extends Problem {
  readonly activity: string | undefined;

  constructor(message: string, hint: string, activity: string | undefined) {
    super('conflict', message, { hint });
    this.activity = activity;
  }
}

/** A handle that nobody refers to is closed by the garbage collector, and the lock would end with it. */
const held = new Set<FileHandle>();

/**
 * Makes this process the owner of a data folder. The lock file says who that is (`<pid> <what it does>`); it is never
 * removed, because a lock on a removed file would exclude nobody.
 * @param activity for whoever comes second, e.g. `slipway serve`
 * @throws AlreadyOwned when another process owns it
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

async function ownedAlready(folder: DataFolder, handle: FileHandle): Promise<AlreadyOwned> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(200), 0, 200, 0);
  const [, pid, activity] = /^(\d+) (.*)/.exec(buffer.toString('utf8', 0, bytesRead)) ?? [];
  const owner = pid === undefined ? 'another process' : `process ${pid} (${activity})`;
  const stop = pid === undefined ? 'stop that process' : `stop it with \`kill ${pid}\``;
  return new AlreadyOwned(
    `the data folder ${folder.root} is owned by ${owner}`,
    `Commands talk to that server by themselves. To start another, ${stop} first or choose another folder with --data.`,
    activity,
  );
}
