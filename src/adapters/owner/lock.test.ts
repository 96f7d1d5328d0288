import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder } from '../../lib/data-folder.ts';
import { lockDataFolder } from './lock.ts';

describe('the lock of a data folder', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('tells the second owner who the first is and what to do', async () => {
    const lock = await lockDataFolder(dataFolder(root), 'slipway serve');
    await expect(lockDataFolder(dataFolder(root), 'slipway build')).rejects.toMatchObject({
      code: 'conflict',
      message: `the data folder ${root} is owned by process ${process.pid} (slipway serve)`,
      hint: expect.stringContaining(`kill ${process.pid}`),
    });
    await lock.release();
  });

  it('is free again once it was released, whoever comes next', async () => {
    for (const activity of ['slipway serve', 'slipway run', 'slipway build'])
      await (await lockDataFolder(dataFolder(root), activity)).release();
  });
});
