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
  const suites = (['buildkit', 'moby', 'buildah', 'kaniko'] as const).map((corpus) => {
    const all = entries.filter((entry) => entry.corpus === corpus);
    const ran = all.flatMap((entry) => outcomes[key(entry)] ?? []);
    const counts = AGREEMENTS.map((wanted) => ran.filter(({ agreement }) => agreement === wanted).length);
    return [
      corpus,
      all.length,
      ran.length,
      ...counts,
      ran.filter(({ agreement }) => typeof agreement !== 'string').length,
    ];
  });
  const reasons = new Map<string, number>();
  for (const { skip } of entries) {
    const reason = skip?.replace(/the image .*/, 'an image that is none of busybox, alpine, debian and ubuntu');
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const differing = Object.entries(sorted).flatMap(([name, { agreement }]) =>
    typeof agreement === 'string' ? [] : [[name, agreement.differs]],
  );
  const lines = [
    "# Other builders' Dockerfiles, built by docker and by us",
    '',
    `Written by \`npm run test:peers\` on ${new Date().toISOString().slice(0, 10)}; docker ${docker}, BuildKit.`,
    'Every base is a busybox under the name that the Dockerfile asks for; where a suite has no context, one was made up',
    'of the files that its COPY and ADD lines name. Configuration and file trees are compared as for the cases.',
    '',
    ...table(['corpus', 'Dockerfiles', 'built here', ...AGREEMENTS, 'differ, by intention'], suites),
    '',
    '## Not built here',
    '',
    ...table(
      ['reason', 'Dockerfiles'],
      [...reasons].sort(([, a], [, b]) => b - a),
    ),
    '',
    '## Differ, by intention',
    '',
    ...table(['Dockerfile', 'what, and why'], differing),
    ...aboutErrors(entries, outcomes),
  ];
  await writeFile(join(FOLDER, 'REPORT.md'), `${lines.join('\n')}\n`);
}

const AGREEMENTS = ['the same image', 'refused by both', 'newer than docker 20.10', 'both ask a registry'] as const;

/** Lines of a table whose columns are as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = rows.map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')));
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)];
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
    ...table(
      ['Dockerfile', 'ours'],
      others.map(({ entry, error }) => [key(entry), error.replaceAll('\n', ' ')]),
    ),
  ];
}

export function key({ corpus, name }: CorpusEntry): string {
  return `${corpus} ${name}`;
}
