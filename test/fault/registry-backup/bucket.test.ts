import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, startS3 } from '../../suites/s3-server.ts';
import { callRegistry } from '../../wire/registry-call.ts';
import { slipway, TestServer } from '../../wire/server.ts';
import { Choices } from '../registry-soak/choices.ts';
import { pullImage } from '../registry-soak/image-pull.ts';
import { pushImage } from '../registry-soak/image-push.ts';
import { madeBlob, madeImage } from '../registry-soak/made-images.ts';

const REPOSITORY = 'demo/shop/api';

describe('with content in a bucket', () => {
  let s3: S3Server;
  let server: TestServer;
  beforeAll(async () => {
    s3 = await startS3();
    const { endpoint, accessKeyId, secretKeyFile } = s3.settings;
    const content = { url: `s3://${s3.bucket}/backup`, endpoint, accessKeyId, secretKeyFile };
    server = await TestServer.start({ config: JSON.stringify({ content }) });
  });
  afterAll(async () => {
    await server?.close();
    await s3.close();
  });

  const clientOf = async (own: TestServer) => {
    const secret = await own.token();
    const send = (method: string, path: string, sending = {}) =>
      callRegistry(own.host, method, path, { secret, ...sending });
    return { send };
  };

  it('a backup holds the rows and where the bytes are, and comes back beside nothing else', async () => {
    const image = madeImage(madeBlob(1), [madeBlob(2)]);
    const target = { repository: REPOSITORY, tag: 'v1', from: [REPOSITORY] };
    await pushImage(await clientOf(server), new Choices(1), target, image);
    const folder = join(server.folder, 'backup');
    expect(await server.ok('backup', folder)).toContain(`The blobs stay in s3://${s3.bucket}/backup`);
    await server.stop();
    await rm(server.data, { recursive: true });
    const restored = await slipway(['restore', folder, '--data', server.data]);
    expect(restored.code, restored.stderr).toBe(0);
    await server.restart();
    expect(await pullImage(await clientOf(server), REPOSITORY, 'v1')).toBe(image.digest);
  });

  it('the doctor throws a damaged object away, so that a push brings it again', async () => {
    const image = madeImage(madeBlob(3), [madeBlob(4)]);
    const target = { repository: REPOSITORY, tag: 'v2', from: [REPOSITORY] };
    await pushImage(await clientOf(server), new Choices(2), target, image);
    const [blob] = image.blobs;
    const file = join(s3.objects, `backup/blobs/${blob?.digest.replace(':', '/')}._S3rver_object`);
    await chmod(file, 0o600);
    await writeFile(file, Buffer.alloc((await readFile(file)).length));
    const { stdout } = await server.cli(['doctor', '--repair']);
    expect(stdout).toMatch(/^BAD {2}stored bytes +1 of \d+ blobs are damaged/m);
    await pushImage(await clientOf(server), new Choices(3), target, image);
    expect(await pullImage(await clientOf(server), REPOSITORY, 'v2')).toBe(image.digest);
    expect((await server.cli(['doctor', '--json'])).stdout).not.toMatch(/"check":"stored bytes","ok":false/);
  });
});
