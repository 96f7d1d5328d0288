import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GrowingFile } from './growing-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-growing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = async (stream: Readable) => {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
};
const create = (size: number) => GrowingFile.create(join(folder, 'blob'), size);
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

it('gives each reader all bytes as they come, and the last one only when they are kept', async () => {
  const file = await create(10);
  const early = text(await file.reader());
  await file.append(Buffer.from('01234'));
  let late = '';
  const reader = await file.reader();
  reader.on('data', (chunk: Buffer) => {
    late += chunk.toString();
  });
  await file.append(Buffer.from('56789'));
  await file.close();
  await settle();
  expect(late).toBe('012345678');
  await rm(file.path); // as when the store has given it another name
  file.complete();
  expect(await early).toBe('0123456789');
  await settle();
  expect(late).toBe('0123456789');
});

it('gives a part as soon as that part is there', async () => {
  const file = await create(10);
  const part = text(await file.reader({ start: 2, end: 5 }));
  await file.append(Buffer.from('0123456'));
  expect(await part).toBe('2345');
  await file.fail(new Error('over'));
});

it('cuts every reader on a failure, also those that have all but the last byte, and leaves no file', async () => {
  const file = await create(4);
  const readers = await Promise.all([file.reader(), file.reader()]);
  const results = Promise.allSettled(readers.map(text));
  await file.append(Buffer.from('0123'));
  await settle();
  await file.fail(new Error('the digest is another'));
  for (const result of await results) expect(result).toMatchObject({ reason: { message: 'the digest is another' } });
  expect(existsSync(file.path)).toBe(false);
});

it('lets a reader go while it waits, without harm to others', async () => {
  const file = await create(3);
  const [goes, stays] = [await file.reader(), await file.reader()];
  const whole = text(stays);
  goes.on('data', () => undefined);
  await file.append(Buffer.from('ab'));
  await settle();
  goes.destroy();
  await new Promise((resolve) => goes.once('close', resolve));
  await file.append(Buffer.from('c'));
  await file.close();
  file.complete();
  expect(await whole).toBe('abc');
});
