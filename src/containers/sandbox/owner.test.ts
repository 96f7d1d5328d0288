import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startTimeOf } from '../../lib/process-mark.ts';
import { currentOwner, ownerLives } from './owner.ts';
import { deadRunFolders, makeRunFolder } from './run-folder.ts';

test('a process is known by pid, start time and boot', () => {
  const owner = currentOwner();
  const [boot = '', pid = '', start = ''] = owner.split('.');
  expect(ownerLives(owner)).toBe(true);
  expect(ownerLives(`${boot}.${pid}.${Number(start) + 1}`)).toBe(false);
  expect(ownerLives(`00000000.${pid}.${start}`)).toBe(false);
  expect(ownerLives('nonsense')).toBe(false);
});

test('a process that was killed is dead before anybody has waited for it', async () => {
  const child = spawn('sleep', ['60']);
  await new Promise((resolve) => child.once('spawn', resolve));
  const owner = `${currentOwner().split('.')[0]}.${child.pid}.${startTimeOf(child.pid ?? 0)}`;
  expect(ownerLives(owner)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => ownerLives(owner)).toBe(false);
});

test('only folders of dead processes are found, and a second one of the same name is refused', async () => {
  const run = mkdtempSync(join(tmpdir(), 'slipway-owner-'));
  try {
    const folder = await makeRunFolder(run, 'container', 'build-1');
    await expect(makeRunFolder(run, 'container', 'build-1')).rejects.toMatchObject({ code: 'conflict' });
    const dead = folder.path.replace(/\.\d+$/, '.1');
    mkdirSync(dead);
    mkdirSync(join(run, 'somebody-elses'));
    expect((await deadRunFolders(run)).map(({ path }) => path)).toEqual([dead]);
    expect(await deadRunFolders(join(run, 'none'))).toEqual([]);
  } finally {
    rmSync(run, { recursive: true });
  }
});
