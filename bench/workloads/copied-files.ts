import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageBuild } from '../contenders/contender.ts';
import { noise, words } from './bytes.ts';

const FOLDERS = 50;
const FILES = 40;

/** An application that is only copied: 2,000 files, about 20 MB, half of it text that compresses and half that doesn't. */
export async function writeCopiedFiles(folder: string, base: string, mark: string): Promise<ImageBuild> {
  const context = join(folder, `copied-${mark}`);
  for (let i = 0; i < FOLDERS; i++) {
    const lib = join(context, 'src', `package${i}`, 'lib');
    await mkdir(lib, { recursive: true });
    for (let j = 0; j < FILES; j++) {
      const seed = `${mark} ${i} ${j}`;
      const size = 4000 + ((i * 397 + j * 911) % 12_400);
      const text = j % 2 === 0;
      await writeFile(join(lib, `file${j}.${text ? 'js' : 'bin'}`), text ? words(seed, size) : noise(seed, size));
    }
  }
  const file = join(context, 'Dockerfile');
  const rest = 'ENV NODE_ENV=production\nCMD ["python3", "-m", "http.server"]\n';
  await writeFile(file, `FROM ${base}\nWORKDIR /srv\nCOPY src ./src\n${rest}`);
  return { context, file, tag: 'bench/copied:latest' };
}
