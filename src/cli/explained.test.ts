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
    { text: 'WORKDIR /app', place, status: 'cached', ms: 1, since },
    {
      ...ran('COPY . .', 100, '1 of 214 files changed: app/main.py'),
      details: ['app/main.py: 3f2a9c1b -> 77ab01ff, 120 B -> 133 B'],
    },
    ran('RUN pip install -r requirements.txt', 3000, 'its input changed'),
    { text: 'ENV PORT=8080', place, status: 'metadata', ms: 0 },
  ];
  expect(explained(steps, [base], NOW)).toBe(`\
  1  FROM python:3.11                     cached
  2  WORKDIR /app                         cached, build 4f2c1e99
  3  COPY . .                             ran 0.1 s
       1 of 214 files changed: app/main.py, since build 4f2c1e99 (12 min ago)
         app/main.py: 3f2a9c1b -> 77ab01ff, 120 B -> 133 B
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

it('says where a layer came from, and what would have kept a step cached', () => {
  const hint = 'the command does not mention V: declare ARG V below it, and this step stays cached';
  const owner = { build: 'owner', at: NOW - 3_600_000 };
  const steps: StepReport[] = [
    {
      text: 'COPY a /',
      place,
      status: 'cached',
      ms: 1,
      since: { ...owner, importedFrom: 'ghcr.io/team/app/cache:main' },
    },
    { text: 'COPY b /', place, status: 'cached', ms: 1, since: owner },
    { ...ran('RUN make', 2000, 'ARG V changed: 1 -> 2'), details: [hint], since: owner },
    { ...ran('RUN test', 2000, 'its input changed'), details: ['what lies below is another: RUN make'] },
  ];
  expect(explained(steps, [], NOW)).toBe(`\
  1  COPY a /  cached, from ghcr.io/team/ap…
  2  COPY b /  cached, made 1 h ago
  3  RUN make  ran 2.0 s
       ARG V changed: 1 -> 2, since the last build (1 h ago)
         ${hint}
  4  RUN test  ran 2.0 s
       its input changed (step 3)
`);
});

it('names what lies below a step when nothing above it ran', () => {
  const step = { ...ran('RUN test', 2000, 'its input changed'), details: ['what lies below is another: RUN make'] };
  expect(explained([step], [], NOW)).toBe(`\
  1  RUN test  ran 2.0 s
       its input changed, since build 4f2c1e99 (12 min ago)
         what lies below is another: RUN make
`);
});

it('fits 80 columns with the longest instructions', () => {
  const steps = [
    ran(`RUN ${'apt-get install -y something '.repeat(9)}`, 61_000, 'not built before'),
    { ...ran(`RUN ${'x'.repeat(90)}`, 1, ''), status: 'cached' as const },
  ];
  const longest = Math.max(
    ...explained(steps, [base], NOW)
      .split('\n')
      .map((line) => line.length),
  );
  expect(longest).toBeLessThanOrEqual(80);
});
