import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GIT_LIMITS, GitWatch } from './git-limits.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-git-limits-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('lets pass what stays within the limits', async () => {
  const watch = new GitWatch(GIT_LIMITS, folder);
  expect(watch.takeOutput(1000)).toBe(true);
  await watch.finish();
  expect(watch.signal.aborted).toBe(false);
});

it('takes no more output than the limit', async () => {
  const watch = new GitWatch({ ...GIT_LIMITS, maxOutputBytes: 1500 }, folder);
  expect([watch.takeOutput(1000), watch.takeOutput(1000)]).toEqual([true, false]);
  expect(watch.signal.aborted).toBe(true);
  await expect(watch.finish()).rejects.toMatchObject({ code: 'exhausted', hint: /fetch\.gitMaxOutputBytes/ });
});

it('counts what lies on the disk, while it grows and at the end', async () => {
  const watch = new GitWatch({ ...GIT_LIMITS, maxBytes: 100_000 }, folder);
  await writeFile(join(folder, 'large'), Buffer.alloc(200_000, 1));
  await expect.poll(() => watch.signal.aborted, { timeout: 5000 }).toBe(true);
  await watch.close();
  const late = new GitWatch({ ...GIT_LIMITS, maxBytes: 100_000 }, folder);
  await expect(late.finish()).rejects.toMatchObject({
    message: 'the repository is larger than 100 kB with its history',
  });
});

it('ends what takes too long', async () => {
  const watch = new GitWatch({ ...GIT_LIMITS, maxSeconds: 0.05 }, folder);
  await expect.poll(() => watch.broken?.hint).toContain('fetch.gitMaxSeconds');
  await watch.close();
});
