import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../src/lib/problem.ts';

const FILE = join(import.meta.dirname, 'RESULTS.md');

/** A part of the file that one run writes anew. What else stands in it is kept: the other part, and what people wrote. */
export type Section = 'Rows' | 'Growth' | 'Registry' | 'Docker' | 'Cloud Build' | 'Submit';
const ORDER: readonly string[] = ['Rows', 'Growth', 'Registry', 'Docker', 'Cloud Build', 'Submit'];

const METHOD = `Written by \`npm run bench -- --write\`. Every number is the median of the samples. *wall*: from the start of the first client
to the end of the last. *x ours*: the contender's number divided by ours, above 1 where ours is ahead; *x our server* takes
our server's own clock, without the start of the command line (a Node process). *CPU*: what the kernel counted in the
contender's control group, that is daemon, clients, containers, and our server with all of its processes; the registry that
plays upstream is in nobody's. *peak*: the highest sum at one moment of the proportional set sizes of the group's
processes, looked at every 25 ms: pages that processes share count once in all. *floor*: the bare work without a builder (curl, cp,
tar, sha256sum, an overlay and runc), where a row has one. RUN has no network anywhere (buildah's chroot isolation shares the
host's). Contenders take turns within a round. The machine is shared with other work: read ratios, not absolute numbers.`;

export async function writeResults(section: Section, header: string, tables: readonly string[]): Promise<string> {
  const sections = await readSections();
  sections.set(section, `${header}\n\n${tables.join('\n')}`);
  const titles = [...ORDER.filter((title) => sections.has(title)), ...difference(sections.keys(), ORDER)];
  const text = titles.map((title) => `## ${title}\n\n${sections.get(title)?.trim()}\n`);
  await writeFile(FILE, [`# Ours beside the peers\n\n${METHOD}\n`, ...text].join('\n'));
  return FILE;
}

/** Title -> text of everything below a heading of the second order. */
async function readSections(): Promise<Map<string, string>> {
  try {
    // what stands before the first heading, then titles and texts in turn
    const [, ...parts] = (await readFile(FILE, 'utf8')).split(/^## (.+)$/m);
    const sections = new Map<string, string>();
    for (let i = 0; i < parts.length; i += 2) sections.set(parts[i] ?? '', parts[i + 1] ?? '');
    return sections;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return new Map();
    throw error;
  }
}

function difference(all: Iterable<string>, known: readonly string[]): string[] {
  return [...all].filter((title) => !known.includes(title));
}
