import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ResidentMemory, watchResidentMemory } from '../fault/main-job/resident-memory.ts';
import {
  copyThroughInterruptions,
  freeAddress,
  type Payload,
  writePayload,
} from '../fault/storage-interrupted/interrupted-copies.ts';
import { missingPrograms } from '../wire/registry-image.ts';
import { built, TestServer } from '../wire/server.ts';

const missing = await missingPrograms('gcloud', 'gsutil');
const why = [...missing.map((program) => `: no ${program}`), built ? '' : ': not built, run npm run build'].join('');
/** 3 GB. */
const MEGABYTES = 2862;

describe.skipIf(why !== '')(`copies of a file of 3 GB that are broken in their middle${why}`, () => {
  let server: TestServer;
  let payload: Payload;
  let memory: ResidentMemory;
  beforeAll(async () => {
    server = await TestServer.start({ program: 'dist', listen: await freeAddress() });
    payload = await writePayload(join(server.folder, 'payload.bin'), MEGABYTES);
    await server.environment();
    memory = watchResidentMemory(server);
  });
  afterAll(async () => {
    memory?.stop();
    await server?.close();
  });

  it.each(['gsutil', 'gcloud'] as const)('go on where they were: %s', async (client) => {
    await copyThroughInterruptions(server, client, payload, ['client', 'server']);
  });

  it('leave the server below 200 MB in every process', () => {
    const peaks = memory.peaks();
    console.log(peaks.map(({ process, megabytes }) => `${process}: ${megabytes} MB`).join('\n'));
    for (const { process, megabytes } of peaks) expect(megabytes, process).toBeLessThan(200);
  });
});
