import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImageBuild } from '../contenders/contender.ts';
import { noise } from './bytes.ts';

const CHUNK = 10_000_000;
const CHUNKS = 50;

/** 500 MB that don't compress, as trained weights, and a RUN behind them. */
export async function writeModel(folder: string, base: string, mark: string): Promise<ImageBuild> {
  const context = join(folder, `model-${mark}`);
  await mkdir(context);
  await pipeline(
    (function* () {
      for (let i = 0; i < CHUNKS; i++) yield noise(`${mark} ${i}`, CHUNK);
    })(),
    createWriteStream(join(context, 'model.bin')),
  );
  const file = join(context, 'Dockerfile');
  await writeFile(file, `FROM ${base}\nCOPY model.bin /model.bin\nRUN true\n`);
  return { context, file, tag: 'bench/model:latest' };
}
