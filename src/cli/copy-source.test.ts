import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copySource } from './copy-source.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-copy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('copies what an upload would hold, as it is, and shares no file with it', async () => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  for (const made of [join(from, 'empty'), join(from, 'node_modules/x'), join(from, 'closed'), to])
    mkdirSync(made, { recursive: true });
  mkdirSync(join(from, '.slipway'));
  for (const name of ['owner.lock', 'signing-key', 'token']) writeFileSync(join(from, '.slipway', name), 'secret');
  writeFileSync(join(from, '.gcloudignore'), 'node_modules/\n');
  writeFileSync(join(from, 'run.sh'), '#!/bin/sh\n');
  writeFileSync(join(from, 'closed/a'), 'a');
  chmodSync(join(from, 'run.sh'), 0o750);
  chmodSync(join(from, 'closed'), 0o555);
  utimesSync(join(from, 'run.sh'), 1000, 1000);
  symlinkSync('/etc/passwd', join(from, 'link'));
  const said: string[] = [];
  await copySource(from, to, (line) => said.push(line), new AbortController().signal);
  expect(readdirSync(to, { recursive: true }).map(String).sort()).toEqual([
    '.gcloudignore',
    'closed',
    'closed/a',
    'empty',
    'link',
    'run.sh',
  ]);
  expect(said).toEqual([`Copied 3 files, 25 B, from ${from}`]);
  const { mode, mtimeMs, ino } = statSync(join(to, 'run.sh'));
  expect([mode & 0o777, mtimeMs]).toEqual([0o750, 1_000_000]);
  expect(ino).not.toBe(statSync(join(from, 'run.sh')).ino);
  expect(statSync(join(to, 'closed')).mode & 0o777).toBe(0o555);
  expect(lstatSync(join(to, 'link')).isSymbolicLink()).toBe(true);
  expect(readlinkSync(join(to, 'link'))).toBe('/etc/passwd');
});
