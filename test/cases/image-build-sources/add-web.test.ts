import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../src/images/remote/address-guard.ts';
import { filesAbove, layerChanges } from '../image-build/image-files.ts';
import { openTestEngine, type TestEngine } from '../image-build/test-engine.ts';
import { serveWeb, type WebServer } from './web-server.ts';

const MODIFIED = 'Tue, 02 Jan 2024 03:04:05 GMT';

describe('ADD of an address', () => {
  let test: TestEngine;
  let web: WebServer;
  let context: string;
  let content: Buffer;
  let etag: string | undefined;

  beforeAll(async () => {
    test = await openTestEngine();
    web = await serveWeb((request, response) => {
      if (request.url === '/moved') return void response.writeHead(302, { location: '/file.txt' }).end();
      if (request.url === '/circle') return void response.writeHead(302, { location: '/circle' }).end();
      if (request.url === '/gone') return void response.writeHead(404).end();
      if (request.url === '/named/') response.setHeader('content-disposition', 'attachment; filename="told.txt"');
      if (etag !== undefined) {
        response.setHeader('etag', etag);
        if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
      }
      response.setHeader('last-modified', MODIFIED);
      response.end(content);
    });
  });
  afterAll(async () => {
    await web.close();
    await test.close();
  });
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    content = Buffer.from('first');
    etag = undefined;
    web.requests.length = 0;
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (line: string, engine = test) => {
    await writeFile(join(context, 'Dockerfile'), `FROM scratch\n${line}\n`);
    const result = await engine.build(context, { tags: ['add:1'] });
    const { layers } = await engine.engine.inspect('add:1', engine.caller());
    return { files: await filesAbove(engine.deps, layers), steps: result.steps, layers };
  };

  it('writes it 0600, as old as the server says, under the name of the address', async () => {
    const { files, layers } = await build(`ADD ${web.url}/a/file.txt?x=1 /opt/`);
    expect(files).toEqual({ opt: 'folder 755 0:0', 'opt/file.txt': 'file 600 0:0 "first"' });
    const changes = layers[0] === undefined ? [] : await layerChanges(test.deps, layers[0]);
    expect(changes.find(({ path }) => path === 'opt/file.txt')).toMatchObject({
      mtimeNs: BigInt(Date.parse(MODIFIED)) * 1_000_000n,
    });
    expect((await build(`ADD ${web.url}/file.txt /renamed`)).files).toEqual({ renamed: 'file 600 0:0 "first"' });
    expect((await build(`ADD ${web.url}/named/ /opt/`)).files).toHaveProperty('opt/told.txt');
    await expect(build(`ADD ${web.url}/ /opt/`)).rejects.toMatchObject({
      code: 'invalid',
      place: { ranges: [{ line: 2 }] },
    });
  });

  it('keeps what did not change, asks with the ETag, and follows the content when it did', async () => {
    etag = '"1"';
    const line = `ADD ${web.url}/etag.txt /x`;
    expect((await build(line)).steps[0]?.status).toBe('ran');
    expect((await build(line)).steps[0]?.status).toBe('cached');
    expect(web.requests.at(-1)?.headers['if-none-match']).toBe('"1"');
    // known, but wanted elsewhere: now the bytes are needed
    expect((await build(`ADD ${web.url}/etag.txt /y`)).files).toEqual({ y: 'file 600 0:0 "first"' });
    etag = '"2"';
    expect((await build(line)).steps[0]?.status).toBe('cached'); // other tag, same content
    etag = '"3"';
    content = Buffer.from('second');
    expect((await build(line)).files).toEqual({ x: 'file 600 0:0 "second"' });
  });

  it.each(['sha256', 'sha384', 'sha512'])('holds it to its %s', async (algorithm) => {
    const digest = createHash(algorithm).update(content).digest('hex');
    expect((await build(`ADD --checksum=${algorithm}:${digest} ${web.url}/sum.txt /x`)).files).toHaveProperty('x');
    const wrong = '0'.repeat(digest.length);
    await expect(build(`ADD --checksum=${algorithm}:${wrong} ${web.url}/sum.txt /x`)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('digest mismatch'),
      place: { ranges: [{ line: 2 }] },
    });
  });

  it('asks nobody for a file whose checksum is known already', async () => {
    const line = `ADD --checksum=sha256:${createHash('sha256').update(content).digest('hex')} ${web.url}/pinned /x`;
    await build(line);
    web.requests.length = 0;
    expect((await build(line)).steps[0]?.status).toBe('cached');
    expect(web.requests).toEqual([]);
  });

  it('unpacks an archive only when it is told to', async () => {
    await mkdir(join(context, 'tree'));
    await writeFile(join(context, 'tree/a'), 'a');
    execFileSync('tar', [
      '-czf',
      join(context, 'x.tgz'),
      '--owner=0',
      '--group=0',
      '--mode=644',
      '-C',
      join(context, 'tree'),
      'a',
    ]);
    content = await readFile(join(context, 'x.tgz'));
    expect(Object.keys((await build(`ADD ${web.url}/x.tgz /o/`)).files)).toEqual(['o', 'o/x.tgz']);
    expect((await build(`ADD --unpack=true ${web.url}/x.tgz /o/`)).files).toEqual({
      o: 'folder 755 0:0',
      'o/a': 'file 644 0:0 "a"',
    });
    expect(Object.keys((await build('ADD --unpack=false x.tgz /o/')).files)).toEqual(['o', 'o/x.tgz']);
  });

  it('takes files and addresses together, with --chown and --chmod', async () => {
    await writeFile(join(context, 'local'), 'local');
    expect((await build(`ADD --chown=7:8 --chmod=u=rw,go=r local ${web.url}/file.txt /o/`)).files).toEqual({
      o: 'folder 755 7:8',
      'o/local': 'file 644 7:8 "local"',
      'o/file.txt': 'file 644 7:8 "first"',
    });
  });

  it('follows redirects, but not for ever, and says what the server said', async () => {
    expect((await build(`ADD ${web.url}/moved /x`)).files).toEqual({ x: 'file 600 0:0 "first"' });
    await expect(build(`ADD ${web.url}/circle /x`)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(build(`ADD ${web.url}/gone /x`)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('404'),
      place: { ranges: [{ line: 2 }] },
    });
  });

  it('leaves nothing behind, also when it fails', async () => {
    await build(`ADD ${web.url}/file.txt /left`);
    await build(`ADD ${web.url}/gone /x`).catch(() => undefined);
    expect(await readdir(join(test.folder, 'snapshots/a'))).toEqual([]);
  });

  it('reaches inner addresses only where the owner names the host', async () => {
    const guarded = await openTestEngine({
      fetch: { allowAddress: isPublicAddress, isNamed: (host) => `http://${host}` === web.url },
    });
    const closed = await openTestEngine({ fetch: { allowAddress: isPublicAddress } });
    try {
      expect((await build(`ADD ${web.url}/file.txt /x`, guarded)).files).toHaveProperty('x');
      await expect(build(`ADD ${web.url}/file.txt /x`, closed)).rejects.toMatchObject({
        code: 'denied',
        hint: expect.stringContaining('fetch.allowHosts'),
      });
      await expect(build('ADD http://localhost:1/x /x', closed)).rejects.toMatchObject({ code: 'denied' });
    } finally {
      await guarded.close();
      await closed.close();
    }
  });
});
