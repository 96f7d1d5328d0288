import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../src/lib/problem.ts';

const FILE = join(import.meta.dirname, 'RESULTS.md');

/** What people wrote about the numbers stands below this line and is kept. */
const FINDINGS = '## Findings';

const METHOD = `Written by \`npm run bench -- --write\`. Every number is the median of the samples. *wall*: from the start of the first client
to the end of the last. *x ours*: the contender's number divided by ours, above 1 where ours is ahead; *x our server* takes
our server's own clock, without the start of the command line (a Node process). *CPU*: what the kernel counted in the
contender's control group, that is daemon, clients, containers, and our server with all of its processes; the registry that
plays upstream is in nobody's. *peak*: the highest sum at one moment of the proportional set sizes of the group's
processes, looked at every 25 ms: pages that processes share count once in all. *floor*: the bare work without a builder (cp,
tar, sha256sum, an overlay and runc), where a row has one. RUN has no network anywhere (buildah's chroot isolation shares the
host's). Contenders take turns within a round. The machine is shared with other work: read ratios, not absolute numbers.`;

export async function writeResults(header: string, tables: readonly string[]): Promise<string> {
  const kept = await findings();
  await writeFile(
    FILE,
    `# Ours beside the peers\n\n${METHOD}\n\n${header}\n\n## Rows\n\n${tables.join('\n')}\n${kept}`,
  );
  return FILE;
}

async function findings(): Promise<string> {
  try {
    const text = await readFile(FILE, 'utf8');
    const at = text.indexOf(FINDINGS);
    return at < 0 ? '' : text.slice(at);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}
