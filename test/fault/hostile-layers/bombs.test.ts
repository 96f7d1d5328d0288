import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import { putImage } from '../../cases/image-build/busybox-base.ts';
import { isRoot } from '../../cases/image-build/needs.ts';
import { OWN, openTestEngine, type TestEngine } from '../../cases/image-build/test-engine.ts';
import { leftBehind } from './left-behind.ts';
import { rawTar } from './raw-tar.ts';

const HUGE = 512 << 20;
/** What may be added to a process that was at rest. */
const MEMORY = 150 << 20;
const DISK = 256 << 20;

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Half a gigabyte of noughts behind a tar's header, packed to next to nothing. */
function bomb(folder: string, packer: string): string {
  const path = join(folder, 'bomb');
  writeFileSync(join(folder, 'head'), rawTar([{ name: 'noughts', size: HUGE }], false));
  const noughts = `cat head; head -c ${HUGE} /dev/zero; head -c 1024 /dev/zero`;
  execFileSync('bash', ['-c', `(${noughts}) | ${packer} > bomb`], { cwd: folder });
  return path;
}

describe.skipIf(!isRoot)('a bomb', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-bomb-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describe('with room for it', () => {
    let test: TestEngine;
    beforeAll(async () => {
      test = await openTestEngine();
    });
    afterAll(() => test.close());

    it.each([
      ['gzip', 'gzip -1'],
      ['xz', 'xz -0'],
      ['zstd', 'zstd -q'],
    ])('of %s is unpacked by ADD in little memory', async (program, packer) => {
      if (!has(program)) return;
      const path = bomb(folder, packer);
      const context = join(folder, 'context');
      await mkdir(context);
      execFileSync('mv', [path, join(context, 'a.tar')]);
      await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nADD a.tar /in/\n');
      const peak = await peakMemory(() => test.build(context, { tags: ['bomb:1'] }));
      expect(peak).toBeLessThan(MEMORY);
      const { layers } = await test.engine.inspect('bomb:1', test.caller());
      expect(layers[0]?.blob.size).toBeLessThan(8 << 20);
      expect(leftBehind(test.folder)).toEqual([]);
    });
  });

  describe('without room for it', () => {
    let disk: string;
    let test: TestEngine;
    beforeEach(async () => {
      disk = mkdtempSync(join(tmpdir(), 'slipway-small-disk-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk]);
      test = await openTestEngine({ parent: disk });
    });
    afterEach(async () => {
      await test.close();
      execFileSync('umount', ['--lazy', disk]);
      await rm(disk, { recursive: true });
    });

    it('is stopped before the disk is full, says so, and leaves nothing', async () => {
      const path = bomb(folder, 'gzip -1');
      const blob = await test.deps.content.put(await readFile(path));
      const diffID = digestOf('never seen, because it never ends');
      const config = { ...test.deps.platform, rootfs: { type: 'layers' as const, diff_ids: [diffID] } };
      await putImage(test.deps, 'bomb:1', config, [{ ...blob, mediaType: MEDIA.ociLayerGzip }]);
      await test.engine.pull(`${OWN}/bomb:1`, test.caller());
      const before = await free(disk);
      await expect(test.engine.rootfs(`${OWN}/bomb:1`, test.caller())).rejects.toMatchObject({
        name: 'Problem',
        code: 'exhausted',
        message: expect.stringContaining('no space left on the disk'),
      });
      expect(leftBehind(test.folder)).toEqual([]);
      expect(await free(disk)).toBeGreaterThan(before - (4 << 20));
      expect(statSync(path).size).toBeLessThan(8 << 20);
    });
  });
});

async function free(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** What a piece of work adds to this process at its highest, in bytes. */
async function peakMemory(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peak - before;
}
