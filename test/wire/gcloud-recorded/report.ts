import type { Verdict } from './run-case.ts';

/** What came of all recorded commands, in Markdown: counts, and each difference with its reason. */
export function reportOf(verdicts: readonly Verdict[]): string {
  const count = (outcome: Verdict['outcome']) => verdicts.filter((one) => one.outcome === outcome).length;
  const rows = verdicts
    .filter((one) => one.outcome !== 'same')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, outcome, reason }) => `| ${name} | ${outcome === 'wrong' ? '**not explained**' : reason} |`);
  return `# Recorded commands of gcloud 528 and gsutil 5.34, run against this server

Exit status, standard output and standard error beside a recording that was made against a stub, with ids, times, digests,
addresses and widths masked. Made by \`npm run test:long\`.

| outcome | commands |
|---|---|
| as recorded | ${count('same')} |
| different, with a reason | ${count('differs')} |
| different, not explained | ${count('wrong')} |
| together | ${verdicts.length} |

| command | why it differs |
|---|---|
${rows.join('\n')}
`;
}
