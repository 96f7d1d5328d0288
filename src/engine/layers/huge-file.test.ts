import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HUGE, layerFileBytes } from './file-bytes.ts';
import { ThreadedBytes } from './threaded-bytes.ts';

let folder: string;
let path: string;
let digest: string;
const SIZE = HUGE + 12_345;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-huge-'));
  path = join(folder, 'model');
  const hash = createHash('sha256');
  const fd = openSync(path, 'w');
  for (let at = 0, n = 0; at < SIZE; n++) {
    const part = Buffer.alloc(Math.min(1 << 20, SIZE - at), `part ${n} `);
    writeSync(fd, part);
    hash.update(part);
    at += part.length;
  }
  closeSync(fd);
  digest = hash.digest('hex');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it('passes every byte and hashes it, also for a reader that is behind', async () => {
  const passing = new ThreadedBytes(layerFileBytes(openSync(path, 'r'), SIZE));
  const seen = createHash('sha256');
  const waiting: Uint8Array[] = [];
  let chunks = 0;
  for await (const chunk of passing) {
    waiting.push(chunk); // as a layer's file does with chunks that the disk has not taken yet
    if (waiting.length > 4) seen.update(waiting.shift() ?? chunk);
    if (chunks++ % 16 === 0) await sleep(1);
  }
  for (const chunk of waiting) seen.update(chunk);
  expect(passing.finish()).toBe(`sha256:${digest}`);
  expect(seen.digest('hex')).toBe(digest);
});

it('ends its thread when the reader leaves', async () => {
  for await (const _ of new ThreadedBytes(layerFileBytes(openSync(path, 'r'), SIZE))) break;
  expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker')).toEqual([]);
});
