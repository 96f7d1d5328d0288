import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built, missingForBuilds, TestServer } from '../../wire/server.ts';
import { modelJourney } from './model-journey.ts';
import { type ResidentMemory, watchResidentMemory } from './resident-memory.ts';

const why = `${await missingForBuilds('curl')}${built ? '' : ': not built, run npm run build'}`;

/** The short form of test/long/memory.test.ts: what holds a blob in memory is over the limit with this one already. */
describe.skipIf(why !== '')(`memory of the server while a model of 120 MB passes${why}`, () => {
  let server: TestServer;
  let memory: ResidentMemory;
  beforeAll(async () => {
    server = await TestServer.start({ program: 'dist' });
    memory = watchResidentMemory(server);
  });
  afterAll(async () => {
    memory?.stop();
    await server?.close();
  });

  it('stays below 200 MB in every process', async () => {
    await modelJourney(server, 120, 'curl');
    expect(memory.peaks().length).toBeGreaterThan(1);
    for (const { process, megabytes } of memory.peaks()) expect(megabytes, process).toBeLessThan(200);
  });
});
