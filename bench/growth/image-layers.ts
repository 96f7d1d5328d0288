import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../median.ts';
import { startRegistry } from '../upstream.ts';
import type { GrowthField, GrowthTable } from './growth-table.ts';

/** 125 is what docker's overlay store takes, with the base and one layer more. */
const SIZES = [5, 50, 125];

export const imageLayers: GrowthTable = {
  title: 'An image of so many layers',
  about:
    'Each a COPY of one small file that is new in every sample. *RUN on top*: the same Dockerfile with a `RUN true` at its end, which needs every layer unpacked; *again*: that one once more; *push*: to another registry, which is empty. In brackets milliseconds for each layer.',
  columns: ['layers', 'n', 'first ms', '(ms)', 'RUN on top ms', '(ms)', 'again ms', '(ms)', 'push ms', '(ms)'],
  async *lines(field: GrowthField) {
    await field.server.renew();
    await sample(field, 1, 'warm');
    for (const layers of SIZES) {
      const samples: Sample[] = [];
      for (let i = 0; i < field.samples; i++) samples.push(await sample(field, layers, `${i}`));
      const timed = (['first', 'run', 'again', 'push'] as const).flatMap((name) => {
        const ms = median(samples.map((taken) => taken[name]));
        return [ms.toFixed(1), (ms / layers).toFixed(2)];
      });
      yield [layers, samples.length, ...timed];
    }
  },
};

type Sample = Record<'first' | 'run' | 'again' | 'push', number>;

async function sample({ server, upstream, folder }: GrowthField, layers: number, mark: string): Promise<Sample> {
  const context = join(folder, `layers-${layers}-${mark}`);
  await mkdir(context);
  const registry = await startRegistry(join(folder, `layers-registry-${layers}-${mark}`));
  try {
    const lines = [`FROM ${upstream.busybox}`];
    for (let i = 0; i < layers; i++) {
      await writeFile(join(context, `file${i}`), `${layers} ${mark} ${i}\n`);
      lines.push(`COPY file${i} /layers/`);
    }
    await writeFile(join(context, 'Dockerfile'), lines.join('\n'));
    const first = await server.build(context);
    await writeFile(join(context, 'Dockerfile'), [...lines, 'RUN true'].join('\n'));
    const tag = `${registry.host}/growth/layers:latest`;
    const run = await server.build(context, tag);
    const again = await server.build(context, tag);
    return { first, run, again, push: await server.push(tag) };
  } finally {
    await registry.stop();
    await rm(context, { recursive: true });
  }
}
