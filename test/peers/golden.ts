import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildCase } from './build-case.ts';
import type { BuildAnswer } from './compare.ts';

/** How the classic builder's answer stands to BuildKit's. */
export type OtherAnswer = 'same' | { differs: string[] } | { error: string; exitCode?: number };

/** `golden.json` of a case: what docker made of it, on that day, by that version. */
export interface Golden {
  date: string;
  versions: Record<string, string>;
  buildkit: BuildAnswer;
  classic: OtherAnswer;
}

const NAME = 'golden.json';

export async function readGolden({ folder }: BuildCase): Promise<Golden | undefined> {
  const path = join(folder, NAME);
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as Golden) : undefined;
}

/** An answer that is the same as before keeps its date. */
export async function writeGolden(each: BuildCase, golden: Golden): Promise<void> {
  const before = await readGolden(each);
  const same = before !== undefined && JSON.stringify({ ...golden, date: before.date }) === JSON.stringify(before);
  if (!same) await writeFile(join(each.folder, NAME), `${JSON.stringify(golden, undefined, 2)}\n`);
}
