import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ResidentMemory, watchResidentMemory } from '../fault/main-job/resident-memory.ts';
import { built, missingForBuilds, TestServer } from '../wire/server.ts';

const why = `${await missingForBuilds()}${built ? '' : ': not built, run npm run build'}`;
const MB = 1 << 20;

describe.skipIf(why !== '')(`memory of the server while an image of 500 MB is written and read${why}`, () => {
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
    const context = await server.source('big', { Dockerfile: 'FROM scratch\nCOPY model /model\n' });
    await promisify(execFile)('sh', ['-c', `head -c ${500 * MB} /dev/urandom > ${join(context, 'model')}`]);
    const at = (name: string) => join(server.folder, name);
    const outputs = ['oci', 'docker', 'tar'].flatMap((type) => ['--output', `type=${type},dest=${at(type)}`]);
    await server.ok('build', '-t', 'big:1', ...outputs, '--output', at('files'), context);
    expect((await stat(join(at('files'), 'model'))).size).toBe(500 * MB);
    for (const archive of ['oci', 'docker']) {
      await server.ok('load', '-i', at(archive), '--tag', `loaded:${archive}`);
      await rm(at(archive));
    }
    await server.ok('save', '-o', at('saved'), 'loaded:docker');
    const peaks = memory.peaks();
    console.log(peaks.map(({ process, megabytes }) => `${process}: ${megabytes} MB`).join('\n'));
    for (const { process, megabytes } of peaks) expect(megabytes, process).toBeLessThan(200);
  });
});
