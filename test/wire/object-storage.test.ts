import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestHex, digestOf } from '../../src/images/digest.ts';
import { type RunResult, run } from '../../src/lib/run.ts';
import { type S3Server, startS3 } from '../suites/s3-server.ts';
import { type LayoutImage, missingPrograms, writeLayoutImage } from './registry-image.ts';
import { TestServer } from './server.ts';

const missing = await missingPrograms('skopeo');

describe.skipIf(missing.length > 0)(
  `content in a bucket${missing.length > 0 ? ': skopeo is not installed' : ''}`,
  () => {
    let s3: S3Server;
    let server: TestServer | undefined;

    beforeAll(async () => {
      s3 = await startS3();
    });
    afterAll(() => s3.close());
    afterEach(async () => {
      await server?.close();
      server = undefined;
    });

    const settings = (prefix: string, more = '') =>
      [
        'content:',
        `  url: s3://${s3.bucket}/${prefix}`,
        `  endpoint: ${s3.settings.endpoint}`,
        `  accessKeyId: ${s3.settings.accessKeyId}`,
        `  secretKeyFile: ${s3.settings.secretKeyFile}`,
        more,
      ].join('\n');
    const start = async (config: string) => {
      server = await TestServer.start({ config });
      return server;
    };
    const configure = (to: TestServer, config: string) => writeFile(join(to.data, 'slipway.yaml'), config);
    /** What another machine's blobs would do for us: nothing but rows is left. */
    const dropCopies = (of: TestServer) => rm(join(of.data, 'content/sha256'), { recursive: true, force: true });
    const creds = async (of: TestServer) => `oauth2accesstoken:${await of.token()}`;
    const push = async (to: TestServer, image: LayoutImage): Promise<RunResult> =>
      run('skopeo', [
        ...['copy', '--retry-times=0', '--dest-tls-verify=false', '--dest-creds', await creds(to)],
        ...[`oci:${image.layout}:latest`, `docker://${to.host}/p/r/api:1`],
      ]);
    /** The digests of the blobs that a pull brought. */
    const pull = async (from: TestServer, folder: string): Promise<string[]> => {
      const out = join(from.folder, folder);
      const { code, stderr } = await run('skopeo', [
        ...['copy', '--src-tls-verify=false', '--src-creds', await creds(from)],
        ...[`docker://${from.host}/p/r/api:1`, `oci:${out}:latest`],
      ]);
      if (code !== 0) throw new Error(stderr);
      return (await readdir(join(out, 'blobs/sha256'))).sort();
    };
    const blobsOf = async (image: LayoutImage) => (await readdir(join(image.layout, 'blobs/sha256'))).sort();
    const imageIn = (of: TestServer, text: string) => writeLayoutImage(join(of.folder, `image-${text}`), text);

    it('pulls after kill -9 what was pushed, from the bucket alone', async () => {
      const own = await start(settings('killed'));
      const image = await imageIn(own, 'kept');
      expect(await push(own, image)).toMatchObject({ code: 0 });
      await own.kill();
      await dropCopies(own);
      await own.restart();
      expect(await pull(own, 'pulled')).toEqual(await blobsOf(image));
      expect(await own.log()).toMatch(/content is kept in s3:\/\/content\/killed: may write, list, read and delete/);
    });

    it('builds into the bucket, and from what lies in it', async () => {
      const own = await start(settings('built'));
      const source = await own.source('context', { Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'built here\n' });
      const build = () => own.ok('build', source, '--tag', 'europe-central2-docker.pkg.dev/p/r/api:1', '--push');
      await build();
      await dropCopies(own);
      await build();
      await dropCopies(own);
      expect((await pull(own, 'pulled')).length).toBe(3);
    });

    it('refuses a push with the reason while the bucket is away, and takes it afterwards', async () => {
      const own = await start(settings('away'));
      const image = await imageIn(own, 'late');
      await s3.stop();
      const refused = await fetch(`${own.url}/v2/p/r/api/blobs/uploads/?digest=${digestOf('bytes')}`, {
        method: 'POST',
        body: 'bytes',
        headers: { authorization: `Bearer ${await own.token()}` },
      }).finally(() => s3.start());
      expect(refused.status).toBe(503);
      expect(await refused.text()).toContain(`the content of this server is in s3://${s3.bucket}/away, which does not`);
      expect(await push(own, image)).toMatchObject({ code: 0 });
      expect(await pull(own, 'pulled')).toEqual(await blobsOf(image));
    });

    it('starts while the bucket is away, and serves what it has copies of', async () => {
      const own = await start(settings('restarted'));
      const image = await imageIn(own, 'copied');
      await push(own, image);
      await own.stop();
      await s3.stop();
      try {
        await own.restart();
        expect(await pull(own, 'pulled')).toEqual(await blobsOf(image));
      } finally {
        await s3.start();
      }
    });

    it('sends clients to the bucket when it is told to', async () => {
      const own = await start(settings('redirected', '  redirect: true'));
      const image = await imageIn(own, 'elsewhere');
      await push(own, image);
      const [blob = ''] = (await blobsOf(image)).filter((hex) => hex !== digestHex(image.digest));
      const answer = await fetch(`${own.url}/v2/p/r/api/blobs/sha256:${blob}`, {
        redirect: 'manual',
        headers: { authorization: `Bearer ${await own.token()}` },
      });
      expect(answer.status).toBe(307);
      expect(answer.headers.get('location')).toMatch(new RegExp(`^${s3.settings.endpoint}/content/redirected/blobs/`));
      expect(await pull(own, 'pulled')).toEqual(await blobsOf(image));
    });

    it('moves what is on disk to a bucket and back, as slipway.yaml says, and stays where it is when that says nothing', async () => {
      const own = await start('');
      const image = await imageIn(own, 'moved');
      await push(own, image);
      await own.stop();
      await configure(own, settings('moved'));
      await own.restart();
      await dropCopies(own);
      expect(await pull(own, 'from-bucket')).toEqual(await blobsOf(image));
      await own.stop();
      await configure(own, settings('moved').replace(/^ {2}url:.*$/m, ''));
      await own.restart();
      await dropCopies(own);
      expect(await pull(own, 'from-bucket-again')).toEqual(await blobsOf(image));
      await own.stop();
      await configure(own, settings('moved').replace(/^ {2}url:.*$/m, '  url: disk'));
      await own.restart();
      await s3.stop();
      try {
        expect(await pull(own, 'from-disk')).toEqual(await blobsOf(image));
      } finally {
        await s3.start();
      }
    });

    it('leaves the prefix of another data folder alone', async () => {
      const own = await start(settings('mine'));
      await expect(TestServer.start({ config: settings('mine') })).rejects.toThrow(
        /s3:\/\/content\/mine belongs to another data folder of Slipway/,
      );
      expect(own.url).not.toBe('');
    });

    it('has a line in doctor, which reads the objects themselves', async () => {
      const own = await start(settings('examined'));
      await push(own, await imageIn(own, 'examined'));
      expect(await own.ok('doctor')).toMatch(/^ok {3}content .*may write, list, read and delete/m);
      for (const name of await readdir(join(s3.objects, 'examined/blobs/sha256')))
        if (name.endsWith('_object')) await writeFile(join(s3.objects, 'examined/blobs/sha256', name), 'spoilt');
      const { code, stdout } = await own.cli(['doctor']);
      expect(code).toBe(1);
      expect(stdout).toMatch(/4 of 4 blobs are damaged/);
    });
  },
);
