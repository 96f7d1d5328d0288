import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exchange } from './conversation.ts';

/** What dockerd answered to a lesson's commands, on that day. */
export interface GoldenConversation {
  date: string;
  dockerd: string;
  client: string;
  exchanges: Exchange[];
}

const FOLDER = join(import.meta.dirname, '../../cases/docker-lessons');

function pathOf(lesson: string, setUp: string): string {
  return join(FOLDER, `${lesson}-${setUp}.json`);
}

export async function readConversation(lesson: string, setUp: string): Promise<GoldenConversation | undefined> {
  const path = pathOf(lesson, setUp);
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as GoldenConversation) : undefined;
}

/** An answer that is the same as before keeps its date. */
export async function writeConversation(lesson: string, setUp: string, golden: GoldenConversation): Promise<void> {
  const before = await readConversation(lesson, setUp);
  if (before !== undefined && JSON.stringify({ ...golden, date: before.date }) === JSON.stringify(before)) return;
  await writeFile(pathOf(lesson, setUp), `${JSON.stringify(golden, undefined, 2)}\n`);
}
