import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILES = 16_000;
const PER_FOLDER = 200;
/** Some 30 kB of text each: together 500 MB. */
const LINES = 300;
const LONG_BYTES = 500 << 20;

/** A folder of 1 GB: sources as text, and one long file, half of which can't be compressed. Gives its bytes. */
export async function writeLargeSource(folder: string): Promise<number> {
  let bytes = 0;
  for (let first = 0; first < FILES; first += PER_FOLDER) {
    const part = join(folder, `part${first / PER_FOLDER}`);
    await mkdir(part, { recursive: true });
    for (let file = first; file < first + PER_FOLDER; file++) {
      const text = textOf(file);
      bytes += text.length;
      await writeFile(join(part, `module${file}.txt`), text);
    }
  }
  const fd = openSync(join(folder, 'model.bin'), 'w');
  const block = Buffer.alloc(1 << 20);
  for (let at = 0; at < LONG_BYTES; at += block.length) {
    randomFillSync(block, 0, block.length / 2);
    bytes += writeSync(fd, block);
  }
  closeSync(fd);
  return bytes;
}

/** Words that repeat as those of a program do, other ones in every file. */
function textOf(file: number): string {
  const lines: string[] = [];
  for (let line = 0; line < LINES; line++) {
    const words = createHash('sha256').update(`${file} ${line}`).digest('hex').slice(0, 40);
    lines.push(`    const value${line} = await compute(request, "${words}", { retries: ${line % 7} });`);
  }
  return `${lines.join('\n')}\n`;
}

/** Changes a line of one small file. */
export async function changeLine(folder: string, mark: string): Promise<void> {
  await writeFile(join(folder, 'part3', 'module700.txt'), textOf(700).replace('value5 ', `${mark} `));
}

/** Changes some bytes in the middle of the long file. */
export function changeLongFile(folder: string, mark: string): void {
  const fd = openSync(join(folder, 'model.bin'), 'r+');
  writeSync(fd, Buffer.from(mark), 0, mark.length, LONG_BYTES / 2);
  closeSync(fd);
}
