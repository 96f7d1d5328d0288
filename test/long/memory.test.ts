import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelJourney } from '../fault/main-job/model-journey.ts';
import { type ResidentMemory, watchResidentMemory } from '../fault/main-job/resident-memory.ts';
import { missingPrograms } from '../wire/registry-image.ts';
import { built, missingForBuilds, TestServer } from '../wire/server.ts';

const why = `${await missingForBuilds('curl')}${built ? '' : ': not built, run npm run build'}`;
const uploader = (await missingPrograms('gcloud')).length === 0 ? 'gcloud' : 'curl';

describe.skipIf(why !== '')(`memory of the server while a model of 500 MB passes${why}`, () => {
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
    await modelJourney(server, 500, uploader);
    const peaks = memory.peaks();
    console.log(peaks.map(({ process, megabytes }) => `${process}: ${megabytes} MB`).join('\n'));
    for (const { process, megabytes } of peaks) expect(megabytes, process).toBeLessThan(200);
  });
});
