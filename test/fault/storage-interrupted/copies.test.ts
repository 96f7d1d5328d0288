import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms } from '../../wire/registry-image.ts';
import { TestServer } from '../../wire/server.ts';
import { type ResidentMemory, watchResidentMemory } from '../main-job/resident-memory.ts';
import { copyThroughInterruptions, freeAddress, type Payload, writePayload } from './interrupted-copies.ts';

const missing = await missingPrograms('gcloud', 'gsutil');
const why = missing.map((program) => `: no ${program}`).join('');
/** Enough that a kill comes in the middle; 3 GB go in test/long. */
const MEGABYTES = 120;

describe.skipIf(why !== '')(`copies of a file that are broken in their middle${why}`, () => {
  let server: TestServer;
  let payload: Payload;
  let memory: ResidentMemory;
  beforeAll(async () => {
    server = await TestServer.start({ listen: await freeAddress() });
    payload = await writePayload(join(server.folder, 'payload.bin'), MEGABYTES);
    await server.environment();
    memory = watchResidentMemory(server);
  });
  afterAll(async () => {
    memory?.stop();
    await server?.close();
  });

  it.each([
    ['gsutil', 'client'],
    ['gcloud', 'server'],
  ] as const)('go on where they were: %s, the %s killed', async (client, kill) => {
    await copyThroughInterruptions(server, client, payload, [kill]);
  });

  it('take no more memory than small ones', () => {
    for (const { process, megabytes } of memory.peaks()) expect(megabytes, process).toBeLessThan(200);
  });
});
