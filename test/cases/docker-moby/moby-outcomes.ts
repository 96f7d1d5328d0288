import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { table } from '../../peers/corpora-report.ts';

/** How our answer to one Dockerfile of moby's suite stands to dockerd's, both asked by the same docker. */
export interface MobyOutcome {
  /** An image came of it. */
  builds: boolean;
  agreement: 'the same image' | 'refused in the same words' | 'refused in other words' | 'differs';
  /** Where it differs: what, and why. */
  why?: string;
  /** What each of them says, where the words differ. */
  words?: { dockerd: string; ours: string };
}

/** By name of the test. */
export type MobyOutcomes = Record<string, MobyOutcome>;

const OUTCOMES = join(import.meta.dirname, 'outcomes.json');
const REPORT = join(import.meta.dirname, 'REPORT.md');

export async function readMobyOutcomes(): Promise<MobyOutcomes> {
  return JSON.parse(await readFile(OUTCOMES, 'utf8')) as MobyOutcomes;
}

/** Keeps what the run found, for people and for `npm test`. */
export async function writeMobyOutcomes(
  outcomes: MobyOutcomes,
  skipped: readonly string[],
  versions: { dockerd: string; client: string },
): Promise<void> {
  const names = Object.keys(outcomes).sort();
  const sorted = Object.fromEntries(names.map((name) => [name, outcomes[name] as MobyOutcome]));
  await writeFile(OUTCOMES, `${JSON.stringify(sorted, undefined, 2)}\n`);
  const all = Object.entries(sorted);
  const count = (agreement: MobyOutcome['agreement']) => all.filter(([, each]) => each.agreement === agreement).length;
  const reasons = new Map<string, number>();
  for (const reason of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const lines = [
    "# The Dockerfiles of moby's build suite, built by one docker with dockerd and with our door",
    '',
    `Written by \`npm run test:peers\` on ${new Date().toISOString().slice(0, 10)}: docker ${versions.client}, classic builder, against dockerd ${versions.dockerd}`,
    'and against our docker door. Every base is a busybox under the name that the Dockerfile asks for; contexts are made up of',
    'the files that COPY and ADD name. Of an image, settings and files are compared, read back by `docker save`.',
    '',
    ...table(
      ['driven', 'the same image', 'refused in the same words', 'refused in other words', 'differ, by intention'],
      [
        [
          all.length,
          count('the same image'),
          count('refused in the same words'),
          count('refused in other words'),
          count('differs'),
        ],
      ],
    ),
    '',
    '## Differ, by intention',
    '',
    ...table(
      ['test', 'what, and why'],
      all.flatMap(([name, each]) => (each.agreement === 'differs' ? [[name, each.why ?? '']] : [])),
    ),
    '',
    '## Refused in other words',
    '',
    ...table(
      ['test', 'dockerd', 'ours'],
      all.flatMap(([name, { words }]) => (words === undefined ? [] : [[name, words.dockerd, words.ours]])),
    ),
    '',
    '## Not driven',
    '',
    ...table(
      ['reason', 'Dockerfiles'],
      [...reasons].sort(([, a], [, b]) => b - a),
    ),
  ];
  await writeFile(REPORT, `${lines.join('\n')}\n`);
}
