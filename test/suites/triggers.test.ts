import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteBuilds } from '../../src/adapters/sqlite/builds.ts';
import { openDatabase } from '../../src/adapters/sqlite/database.ts';
import { sqliteTriggerRows } from '../../src/adapters/sqlite-builds/trigger-rows.ts';
import type { Build } from '../../src/builds/build.ts';
import { triggersSuite } from './triggers-suite.ts';

triggersSuite('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-triggers-'));
  const database = await openDatabase(join(folder, 'slipway.db'));
  const builds = new SqliteBuilds(database);
  return {
    ...sqliteTriggerRows(database),
    async putBuild({ id, status }) {
      const changed = await builds.update(id, ['QUEUED', 'WORKING'], { status });
      if (changed !== undefined) return;
      const build = {
        id,
        status,
        projectId: 'p1',
        name: `projects/1/locations/eu/builds/${id}`,
        createTime: '2026-01-01T00:00:00Z',
        logUrl: 'http://log',
      };
      await builds.create({ build: build as Build, request: {}, actor: 'a' });
    },
    async close() {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
});
