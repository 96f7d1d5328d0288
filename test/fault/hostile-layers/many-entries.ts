import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openTestEngine } from '../../cases/image-build/test-engine.ts';
import { leftBehind } from './left-behind.ts';
import { rawTar } from './raw-tar.ts';

/** ADDs an archive of so many files, and unpacks the layer that came of it. @returns memory at the end, in bytes */
export async function addMany(count: number): Promise<number> {
  const test = await openTestEngine();
  const context = await mkdtemp(join(tmpdir(), 'slipway-many-'));
  try {
    const entries = Array.from({ length: count }, (_, i) => ({ name: `d${i % 100}/f${i}` }));
    await writeFile(join(context, 'a.tar'), rawTar(entries));
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nADD a.tar /in/\n');
    await test.build(context, { tags: ['many:1'] });
    const rootfs = await test.engine.rootfs('many:1', test.caller());
    const memory = process.memoryUsage.rss();
    await rootfs.release();
    expect(leftBehind(test.folder)).toEqual([]);
    return memory;
  } finally {
    await rm(context, { recursive: true });
    await test.close();
  }
}
