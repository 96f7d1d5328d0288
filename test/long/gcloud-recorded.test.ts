import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Semaphore } from '../../src/lib/semaphore.ts';
import { recordings } from '../wire/gcloud-recorded/recording.ts';
import { reportOf } from '../wire/gcloud-recorded/report.ts';
import { runCase, type Verdict } from '../wire/gcloud-recorded/run-case.ts';
import { makeWorld, type World } from '../wire/gcloud-recorded/world.ts';
import { missingForBuilds } from '../wire/server.ts';

const all = recordings();
const why = all.length === 0 ? ': needs the recordings' : await missingForBuilds('gcloud', 'gsutil');
/** gcloud takes two seconds of a processor to start. */
const atATime = new Semaphore(3);
/** All begin at once, and most of their time they wait for their turn. */
const ALL_MS = 3_600_000;
/** Names of the cases to run, for one at a time: CASES=log-stored,describe. */
const only = process.env['CASES']?.split(',');

/** Every recorded command of gcloud and gsutil, run for real against a server of ours. */
describe.skipIf(why !== '')(`recorded commands of gcloud and gsutil${why}`, () => {
  let world: World;
  const verdicts: Verdict[] = [];
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(async () => {
    await world?.close();
  });

  describe.concurrent('one by one', () => {
    it.each(
      all
        .map((recording, number) => ({ recording, number }))
        .filter(({ recording }) => only?.includes(recording.case) ?? true),
    )(
      '$recording.case',
      async ({ recording, number }) => {
        const verdict = await atATime.with(() => runCase(recording, number, world, all));
        verdicts.push(verdict);
        if (verdict.outcome === 'wrong') expect(verdict.seen).toEqual(verdict.recorded);
      },
      ALL_MS,
    );
  });

  it.skipIf(only !== undefined)('the report says so', async () => {
    await expect(reportOf(verdicts)).toMatchFileSnapshot('../wire/gcloud-recorded/REPORT.md');
  });
});
