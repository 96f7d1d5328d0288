import { spawn } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { pruneCacheMounts } from '../../../src/engine/mounts/prune-caches.ts';
import { SnapshotStore } from '../../../src/engine/snapshots/snapshot-store.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { hasBusybox } from '../../cases/image-build/busybox-base.ts';
import { hasRunc } from '../../cases/image-build/needs.ts';

describe.skipIf(!hasBusybox || !hasRunc)('a process killed while a RUN had every kind of mount', () => {
  test('leaves nothing that the sweeps of the next start do not take away; caches stay, and can be used', async () => {
    const script = fileURLToPath(new URL('victim.ts', import.meta.url));
    const victim = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise<string>((resolve, reject) => {
      victim.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      victim.once('exit', () => reject(new Error('the victim ended')));
    });
    const [folder = '', context = ''] = said.split(' ');
    try {
      const mounted = async () =>
        (await readMountTable()).filter(({ target }) => target.startsWith(folder)).map(({ type }) => type);
      expect(await mounted()).toContain('ramfs');
      const snapshots = join(folder, 'snapshots');
      const inUse = await pruneCacheMounts(snapshots, { idleMs: 0, maxBytes: 0 }, Date.now() + 1000);
      expect([inUse.removed, inUse.kept.map(({ id }) => id)]).toEqual([[], ['/kept']]);
      const exited = new Promise((resolve) => victim.once('exit', resolve));
      victim.kill('SIGKILL');
      await exited;

      await createRuntime({ dataFolder: folder, tag: 'mountvictim', allowHostNetwork: false }).sweep();
      await (await SnapshotStore.open(snapshots)).sweepDead();
      expect(await mounted()).toEqual([]);
      expect(await readdir(join(snapshots, 'a'))).toEqual([]);
      expect(await readdir(join(folder, 'run'))).toEqual([]);
      // its lock went with the process, so nobody waits for it
      const after = await pruneCacheMounts(snapshots, { idleMs: 0, maxBytes: 0 }, Date.now() + 1000);
      expect(after.removed.map(({ id }) => id)).toEqual(['/kept']);
    } finally {
      victim.kill('SIGKILL');
      for (const path of [folder, context]) if (path !== '') await rm(path, { recursive: true, force: true });
    }
  });
});
