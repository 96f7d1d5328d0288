import { expect, it } from 'vitest';
import type { StepReport } from '../engine/engine.ts';
import { explained } from './explained.ts';

const NOW = 1e12;
const place = { file: 'Dockerfile', ranges: [] };
const since = { build: 'build:4f2c1e99-0000', at: NOW - 12 * 60_000 };
const ran = (text: string, ms: number, reason: string): StepReport => ({
  text,
  place,
  status: 'ran',
  ms,
  reason,
  since,
});
const base = { text: 'FROM python:3.11', cached: true };

it('says for every step whether it was cached, and why not', () => {
  const steps: StepReport[] = [
    { text: 'WORKDIR /app', place, status: 'cached', ms: 1 },
    ran('COPY . .', 100, '1 of 214 files changed: app/main.py'),
    ran('RUN pip install -r requirements.txt', 3000, 'its input changed'),
    { text: 'ENV PORT=8080', place, status: 'metadata', ms: 0 },
  ];
  expect(explained(steps, [base], NOW)).toBe(`\
  1  FROM python:3.11                     cached
  2  WORKDIR /app                         cached
  3  COPY . .                             ran 0.1 s
       1 of 214 files changed: app/main.py, since build 4f2c1e99 (12 min ago)
  4  RUN pip install -r requirements.txt  ran 3.0 s
       its input changed (step 3)
       none of the changed files is requirements.txt: copy it before the rest,
       and this step stays cached
  5  ENV PORT=8080                        no layer
`);
});

it.each<[why: string, reason: string]>([
  ['the file that the RUN names is among the changed', '2 of 9 files changed: requirements.txt, app/main.py'],
  ['it is named by its place in the image', '1 of 9 files changed: deploy/requirements.txt'],
  ['not every changed file is named', '9 of 9 files changed: a, b, c and 6 more'],
  ['no file changed', 'the instruction changed'],
])('gives no advice when %s', (_, reason) => {
  const steps = [ran('COPY . .', 1, reason), ran('RUN pip install -r requirements.txt', 1, 'its input changed')];
  expect(explained(steps, [], NOW)).not.toContain('copy it before');
});

it('fits 80 columns with the longest instructions', () => {
  const steps = [ran(`RUN ${'apt-get install -y something '.repeat(9)}`, 61_000, 'not built before')];
  const longest = Math.max(
    ...explained(steps, [base], NOW)
      .split('\n')
      .map((line) => line.length),
  );
  expect(longest).toBeLessThanOrEqual(80);
});
