import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../median.ts';
import type { GrowthField, GrowthTable } from './growth-table.ts';
import { writeSmallFiles } from './small-files.ts';

const SIZES = [1, 4, 16];
const FILES = 200;

export const buildsAtOnce: GrowthTable = {
  title: 'So many different builds at once',
  about: `Each a COPY of ${FILES} files that are its own, and a \`RUN true\`. *all s*: from the first call to the last answer; *s for each*: that, divided by the builds; *one build s*: the median of the builds by the server's clock, waiting for each other included; *longest s*: of the one that took longest.`,
  columns: ['builds', 'n', 'all s', 's for each', 'one build s', 'longest s', 'peak MB'],
  async *lines(field: GrowthField) {
    await field.server.renew();
    await sample(field, 1, 'warm');
    for (const builds of SIZES) {
      const samples: Sample[] = [];
      for (let i = 0; i < field.samples; i++) samples.push(await sample(field, builds, `${i}`));
      const all = median(samples.map((taken) => taken.all));
      const each = samples.flatMap((taken) => taken.each);
      const seconds = [all, all / builds, median(each), Math.max(...each)].map((ms) => (ms / 1000).toFixed(3));
      yield [builds, samples.length, ...seconds, Math.round(Math.max(...samples.map(({ peak }) => peak)) / 1e6)];
    }
  },
};

interface Sample {
  all: number;
  each: number[];
  peak: number;
}

async function sample({ server, upstream, folder }: GrowthField, builds: number, mark: string): Promise<Sample> {
  const contexts = Array.from({ length: builds }, (_, i) => join(folder, `at-once-${builds}-${mark}-${i}`));
  const dockerfile = `FROM ${upstream.busybox}\nCOPY . /app/\nRUN true\n`;
  try {
    for (const [i, context] of contexts.entries())
      await writeSmallFiles(context, FILES, `${builds} ${mark} ${i}`, dockerfile);
    const taken: Sample = { all: 0, each: [], peak: 0 };
    taken.peak = await server.peakDuring(async () => {
      const started = performance.now();
      taken.each = await Promise.all(contexts.map((context) => server.build(context)));
      taken.all = performance.now() - started;
    });
    return taken;
  } finally {
    for (const context of contexts) await rm(context, { recursive: true, force: true });
  }
}
