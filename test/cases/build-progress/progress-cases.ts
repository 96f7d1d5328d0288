import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlainLines } from './masked.ts';

/** What docker prints for a case: for the first build, and for the second one of what succeeded. */
export interface ProgressGolden {
  date: string;
  docker: string;
  plain: { first: PlainLines; again?: PlainLines | undefined; failed?: string | undefined };
  classic: { first: string[]; again?: string[] | undefined };
}

export interface ProgressCase {
  name: string;
  /** It is the context too. */
  folder: string;
  fails: boolean;
}

const FOLDER = join(import.meta.dirname, 'docker');

export const progressCases: ProgressCase[] = readdirSync(FOLDER)
  .sort()
  .map((name) => ({ name, folder: join(FOLDER, name), fails: name.includes('fails') }));

export async function readProgressGolden({ folder }: ProgressCase): Promise<ProgressGolden> {
  return JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')) as ProgressGolden;
}

/** An answer that is the same as before keeps its date. */
export async function writeProgressGolden(each: ProgressCase, golden: ProgressGolden): Promise<void> {
  const before = await readProgressGolden(each).catch(() => undefined);
  if (before !== undefined && JSON.stringify({ ...golden, date: before.date }) === JSON.stringify(before)) return;
  await writeFile(join(each.folder, 'golden.json'), `${JSON.stringify(golden, undefined, 2)}\n`);
}
