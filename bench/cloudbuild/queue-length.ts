import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SqliteBuilds } from '../../src/adapters/sqlite/builds.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { SqliteBuildQueue } from '../../src/adapters/sqlite-builds/build-queue.ts';
import type { Build } from '../../src/builds/build.ts';
import { parseFilter } from '../../src/builds/filter.ts';
import type { GrowthField, GrowthTable } from '../growth/growth-table.ts';
import { median } from '../median.ts';

const LENGTHS = [100, 1000, 10_000];
const REPEATS = 40;
const LATER = 4_000_000_000_000;

/** The rows alone, in one process, as the owner has them: what a door or the dispatcher waits for. */
export const queueLength: GrowthTable<Pick<GrowthField, 'folder'>> = {
  title: 'So many builds waiting',
  about: `Builds of two projects, six of seven of the one that is listed, and of two pools; median of ${REPEATS} in turn, in milliseconds. *list*: the newest 50; *ongoing*: the first 20 of \`gcloud builds list --ongoing\`; *failed*: of those that failed, one in twenty, the newest 20.`,
  columns: [
    'waiting',
    'enqueue ms',
    'claim ms',
    'pools ms',
    'get ms',
    'list ms',
    'ongoing ms',
    'failed ms',
    'next page ms',
  ],
  async *lines({ folder }) {
    for (const length of LENGTHS) {
      const own = await mkdtemp(join(folder, 'queue-'));
      const database = await openDatabase(join(own, 'slipway.db'));
      try {
        yield [length, ...(await measured(new SqliteBuilds(database), new SqliteBuildQueue(database), length))];
      } finally {
        await database.destroy();
        await rm(own, { recursive: true });
      }
    }
  },
};

async function measured(records: SqliteBuilds, queue: SqliteBuildQueue, length: number): Promise<string[]> {
  let made = 0;
  const submit = async () => {
    const build = buildOf(made++);
    await records.create({ build, request: { steps: build.steps }, actor: 'bench' });
    if (build.status === 'QUEUED') await queue.enqueue({ ...entryOf(build), expiresAt: LATER });
    return build;
  };
  while ((await queue.waiting()) < length) for (let i = 0; i < 50; i++) await submit();
  const ongoing = parseFilter('status="WORKING" OR status="QUEUED"');
  const failed = parseFilter('status="FAILURE"');
  const list = { project: 'p0', location: 'europe-central2' };
  const { next } = await records.list({ ...list, limit: 50 });
  return [
    await timed(submit),
    await timed(() => queue.claim('w', 1, '')),
    await timed(() => queue.waitingPools()),
    await timed(() => records.get(idOf(made - 1))),
    await timed(() => records.list({ ...list, limit: 50 })),
    await timed(() => records.list({ ...list, filter: ongoing, limit: 20 })),
    await timed(() => records.list({ ...list, filter: failed, limit: 20 })),
    await timed(() => records.list({ ...list, limit: 50, after: next })),
  ];
}

async function timed(work: () => Promise<unknown>): Promise<string> {
  const samples: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const started = performance.now();
    await work();
    samples.push(performance.now() - started);
  }
  return median(samples).toFixed(2);
}

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Six steps, as the builds of the example have; one in twenty has failed. */
function buildOf(n: number): Build {
  const id = idOf(n);
  return {
    id,
    name: `projects/1/locations/europe-central2/builds/${id}`,
    projectId: n % 7 === 0 ? 'p1' : 'p0',
    steps: Array.from({ length: 6 }, (_, i) => ({
      id: `step-${i}`,
      name: 'gcr.io/cloud-builders/docker',
      args: ['build', '-t', `api:${n}`, '.'],
    })),
    options: {},
    timeout: '600s',
    queueTtl: '3600s',
    status: n % 20 === 0 ? 'FAILURE' : 'QUEUED',
    createTime: new Date(1_700_000_000_000 + n * 1000).toISOString(),
    logsBucket: 'gs://l',
    logUrl: `http://h/builds/${id}`,
  };
}

function entryOf({ id, projectId }: Build) {
  return { id, project: projectId, pool: id.endsWith('7') ? 'big' : '', priority: 'normal' as const };
}
