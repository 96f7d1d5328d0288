import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PER_FOLDER = 100;

/** Files of about 500 bytes, a hundred in a folder, beside a Dockerfile. Other text for every mark. */
export async function writeSmallFiles(context: string, count: number, mark: string, dockerfile: string): Promise<void> {
  await mkdir(context);
  for (let first = 0; first < count; first += PER_FOLDER) {
    const folder = join(context, `part${first / PER_FOLDER}`);
    await mkdir(folder);
    const names = Array.from({ length: Math.min(PER_FOLDER, count - first) }, (_, i) => first + i);
    await Promise.all(names.map((n) => writeFile(join(folder, `file${n}.txt`), smallText(`${mark} ${n}`))));
  }
  await writeFile(join(context, 'Dockerfile'), dockerfile);
}

/** Changes one of them. */
export async function editSmallFile(context: string, mark: string): Promise<void> {
  await writeFile(join(context, 'part0', 'file0.txt'), smallText(mark));
}

function smallText(mark: string): string {
  return `${mark}\n`.repeat(Math.ceil(500 / (mark.length + 1)));
}
