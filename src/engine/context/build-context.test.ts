import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { BuildContext } from './build-context.ts';
import { ContextIndexes } from './context-indexes.ts';

let folder: string;
let kept: string;
let context: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-context-'));
  kept = join(folder, 'contexts');
  context = join(folder, 'context');
  for (const path of [kept, context]) mkdirSync(path);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Opens, learns one digest as a COPY does, and closes. */
async function learn(path: string, indexes: ContextIndexes): Promise<boolean> {
  const opened = new BuildContext(path, { path: 'Dockerfile' }, await indexes.of(path));
  const entry = opened.tree.find('Dockerfile', false);
  if (entry === undefined) throw new Error('no Dockerfile');
  const known = opened.index.digest('Dockerfile', entry) !== undefined;
  opened.index.note('Dockerfile', entry, digestOf('FROM scratch'), Date.now() + 1000);
  await opened.close();
  return known;
}

it('keeps what it learnt of a folder for the next process', async () => {
  expect(await learn(context, new ContextIndexes(kept))).toBe(false);
  expect(await learn(context, new ContextIndexes(kept))).toBe(true);
  expect(readdirSync(kept)).toHaveLength(1);
});

it('keeps nothing of a folder that a build gives by its descriptor, whose number means another one the next time', async () => {
  const indexes = new ContextIndexes(kept);
  const fd = openSync(context, 'r');
  try {
    expect(await learn(`/proc/self/fd/${fd}`, indexes)).toBe(false);
    expect(await learn(`/proc/self/fd/${fd}`, indexes)).toBe(true);
  } finally {
    closeSync(fd);
  }
  expect(readdirSync(kept)).toEqual([]);
});
