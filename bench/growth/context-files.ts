import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../median.ts';
import type { GrowthField, GrowthTable } from './growth-table.ts';
import { editSmallFile, writeSmallFiles } from './small-files.ts';

const SIZES = [100, 1000, 10_000, 100_000];

/** Files of all samples of one size together: so many samples has a line, and at least one. */
const WRITTEN = 30_000;

/** Entries whose date is as young as the index that has them are hashed again; people wait longer than that between builds. */
const OLD_MS = 100;

export const contextFiles: GrowthTable = {
  title: 'COPY . of a context of so many small files',
  about:
    'Files of about 500 bytes, new ones for every sample. *again*: nothing changed; *one changed*: one file was written anew, so there is a new layer of all of them. In brackets microseconds for each file; *peak*: memory of the server with all its processes.',
  columns: ['files', 'n', 'first ms', '(us)', 'again ms', '(us)', 'one changed ms', '(us)', 'peak MB'],
  async *lines(field: GrowthField) {
    await field.server.renew();
    await sample(field, 10, 'warm');
    for (const files of SIZES) {
      const n = Math.max(1, Math.min(field.samples, Math.floor(WRITTEN / files)));
      const samples: Sample[] = [];
      for (let i = 0; i < n; i++) samples.push(await sample(field, files, `${i}`));
      const first = median(samples.map((taken) => taken.first));
      const again = median(samples.map((taken) => taken.again));
      const changed = median(samples.map((taken) => taken.changed));
      const each = (ms: number) => ((ms * 1000) / files).toFixed(1);
      const timed = [first, again, changed].flatMap((ms) => [ms.toFixed(1), each(ms)]);
      yield [files, n, ...timed, Math.round(Math.max(...samples.map(({ peakBytes }) => peakBytes)) / 1e6)];
    }
  },
};

interface Sample {
  first: number;
  again: number;
  changed: number;
  peakBytes: number;
}

async function sample({ server, upstream, folder }: GrowthField, files: number, mark: string): Promise<Sample> {
  const context = join(folder, `files-${files}-${mark}`);
  await writeSmallFiles(context, files, `${files} ${mark}`, `FROM ${upstream.busybox}\nCOPY . /app/\n`);
  const taken: Sample = { first: 0, again: 0, changed: 0, peakBytes: 0 };
  try {
    taken.peakBytes = await server.peakDuring(async () => {
      await sleep(OLD_MS);
      taken.first = await server.build(context);
      taken.again = await server.build(context);
      await editSmallFile(context, `${files} ${mark} edited`);
      await sleep(OLD_MS);
      taken.changed = await server.build(context);
    });
  } finally {
    await rm(context, { recursive: true });
  }
  return taken;
}
