import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorpusEntry } from './corpus.ts';

/** How our answer to one Dockerfile stands to docker's. */
export type Agreement =
  | 'the same image'
  | 'refused by both'
  /** Neither can be built without the network. */
  | 'both ask a registry'
  /** Docker 20.10 doesn't know what the Dockerfile uses. */
  | 'newer than docker 20.10'
  /** A difference that we want. */
  | { differs: string };

const FOLDER = import.meta.dirname;
const OUTCOMES = join(FOLDER, 'corpora-outcomes.json');

/** By name of corpus and entry: whether an image came of it, and what docker made of it. */
export type Outcomes = Record<string, { builds: boolean; agreement: Agreement; error?: string }>;

export async function readOutcomes(): Promise<Outcomes> {
  return JSON.parse(await readFile(OUTCOMES, 'utf8')) as Outcomes;
}

/** Keeps what the run found, for people as REPORT.md and for `npm test` as JSON. */
export async function writeReport(entries: readonly CorpusEntry[], outcomes: Outcomes, docker: string): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(outcomes).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(OUTCOMES, `${JSON.stringify(sorted, undefined, 2)}\n`);
  const lines = [
    "# Other builders' Dockerfiles, built by docker and by us",
    '',
    `Written by \`npm run test:peers\` on ${new Date().toISOString().slice(0, 10)}; docker ${docker}, BuildKit.`,
    'Every base is a busybox under the name that the Dockerfile asks for; where a suite has no context, one was made up',
    'of the files that its COPY and ADD lines name. Configuration and file trees are compared as for the cases.',
    '',
    '| corpus | Dockerfiles | built here | same image | refused by both | newer than docker 20.10 | both ask a registry | differ, by intention |',
    '|---|---|---|---|---|---|---|---|',
  ];
  for (const corpus of ['buildkit', 'moby', 'buildah', 'kaniko'] as const) {
    const all = entries.filter((entry) => entry.corpus === corpus);
    const ran = all.flatMap((entry) => outcomes[key(entry)] ?? []);
    const count = (wanted: string) => ran.filter(({ agreement }) => agreement === wanted).length;
    const differ = ran.filter(({ agreement }) => typeof agreement !== 'string').length;
    lines.push(
      `| ${corpus} | ${all.length} | ${ran.length} | ${count('the same image')} | ${count('refused by both')} | ` +
        `${count('newer than docker 20.10')} | ${count('both ask a registry')} | ${differ} |`,
    );
  }
  lines.push('', '## Not built here', '', '| reason | Dockerfiles |', '|---|---|');
  const reasons = new Map<string, number>();
  for (const { skip } of entries) {
    const reason = skip?.replace(/the image .*/, 'an image that is none of busybox, alpine, debian and ubuntu');
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a)) lines.push(`| ${reason} | ${count} |`);
  lines.push('', '## Differ, by intention', '', '| Dockerfile | what, and why |', '|---|---|');
  for (const [name, { agreement }] of Object.entries(sorted))
    if (typeof agreement !== 'string') lines.push(`| ${name} | ${agreement.differs.replaceAll('|', '\\|')} |`);
  lines.push(...aboutErrors(entries, outcomes));
  await writeFile(join(FOLDER, 'REPORT.md'), `${lines.join('\n')}\n`);
}

/** Tests that look for words in an error: which of our refusals have them, and what the others say. */
function aboutErrors(entries: readonly CorpusEntry[], outcomes: Outcomes): string[] {
  const refusals = entries
    .filter(({ errors }) => errors.length > 0)
    .map((entry) => ({ entry, error: outcomes[key(entry)]?.error }))
    .filter((each): each is { entry: CorpusEntry; error: string } => each.error !== undefined);
  const others = refusals.filter(({ entry, error }) => !entry.errors.some((words) => error.includes(words)));
  return [
    '',
    '## Words of errors',
    '',
    `${refusals.length} Dockerfiles that we refuse belong to tests that look for words in an error; ` +
      `${refusals.length - others.length} of our messages have them. The others, in our words:`,
    '',
    '| Dockerfile | ours |',
    '|---|---|',
    ...others.map(({ entry, error }) => `| ${key(entry)} | ${error.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`),
  ];
}

export function key({ corpus, name }: CorpusEntry): string {
  return `${corpus} ${name}`;
}
