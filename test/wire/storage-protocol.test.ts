import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StorageServer, startStorageServer } from './storage-server.ts';

/** The fields of an object, a list or an error that the cases look at. */
interface WireJson {
  name: string;
  size: string;
  generation: string;
  crc32c: string;
  md5Hash: string;
  mediaLink: string;
  items: { name: string; id: string }[];
  prefixes: string[];
  nextPageToken: string;
  error: { code: number; message: string; errors: [{ reason: string }] };
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** What the answer claims to be; each case asserts what it needs of it. */
  json: WireJson;
}

describe('storage door: the protocol, case by case', () => {
  let server: StorageServer;
  let writer: string;
  let reader: string;
  let stranger: string;

  beforeAll(async () => {
    server = await startStorageServer();
    writer = await server.token({ role: 'writer', project: 'p1' });
    reader = await server.token({ role: 'reader', project: 'p1' });
    stranger = await server.token({ role: 'admin', project: 'p2' });
    await server.buckets.createBucket({ name: 'bkt', project: 'p1', location: 'europe-central2' });
  });
  afterAll(() => server.close());

  const call = (
    method: string,
    path: string,
    options: {
      token?: string | undefined;
      headers?: Record<string, string>;
      body?: string | Buffer;
      host?: string;
    } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { host, hostname, port } = new URL(server.url);
      const token = 'token' in options ? options.token : writer;
      const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const request = httpRequest(
        {
          method,
          hostname,
          port,
          path,
          headers: {
            Host: options.host ?? host,
            'Content-Length': String(Buffer.byteLength(options.body ?? '')),
            ...authorization,
            ...options.headers,
          },
        },
        async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk);
          const body = Buffer.concat(chunks);
          const isJson = /json/.test(response.headers['content-type'] ?? '') && body.length > 0;
          const json = isJson ? JSON.parse(body.toString()) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, json });
        },
      );
      request.on('error', reject);
      request.end(options.body);
    });

  const put = (name: string, body: string, query = ''): Promise<Answer> =>
    call('POST', `/upload/storage/v1/b/bkt/o?uploadType=media&name=${encodeURIComponent(name)}${query}`, {
      body,
      headers: { 'Content-Type': 'text/plain' },
    });

  describe('uploads', () => {
    it('takes what gcloud sends: quoted boundary, bare line feeds, bytes that look like a boundary', async () => {
      const boundary = '===============6152347727340039344==';
      const bytes = Buffer.concat([Buffer.from(`\r\n--=====\n--${boundary.slice(0, -1)}`), Buffer.from([0, 255, 13])]);
      const body = Buffer.concat([
        Buffer.from(`--${boundary}\nContent-Type: application/json\nMIME-Version: 1.0\n\n`),
        Buffer.from('{"bucket": "bkt", "contentType": "application/x-tar", "name": "dir/ż x.bin"}'),
        Buffer.from(`\n--${boundary}\nContent-Type: application/octet-stream\nMIME-Version: 1.0\n`),
        Buffer.from('Content-Transfer-Encoding: binary\n\n'),
        bytes,
        Buffer.from(`\n--${boundary}--`),
      ]);
      const headers = { 'content-type': `multipart/related; boundary='${boundary}'` };
      const made = await call('POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', { body, headers });
      expect(made.status).toBe(200);
      expect(made.json).toMatchObject({
        name: 'dir/ż x.bin',
        size: String(bytes.length),
        contentType: 'application/x-tar',
      });
      expect(made.json.mediaLink).toContain(
        `${server.url}/download/storage/v1/b/bkt/o/dir%2F%C5%BC%20x.bin?generation=`,
      );
      const read = await call('GET', made.json.mediaLink.slice(server.url.length));
      expect(read.body).toEqual(bytes);
      expect(read.headers['x-goog-hash']).toBe(`crc32c=${made.json.crc32c},md5=${made.json.md5Hash}`);
    });

    it('takes the textbook form too: CR LF and double quotes', async () => {
      const body =
        '--B\r\nContent-Type: application/json\r\n\r\n{"name":"crlf"}\r\n--B\r\nContent-Type: text/x\r\n\r\na\r\n\r\n--B--\r\n';
      const headers = { 'content-type': 'multipart/related; boundary="B"' };
      const made = await call('POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', { body, headers });
      expect(made.json).toMatchObject({ name: 'crlf', size: '3', contentType: 'text/x' });
    });

    it('stores nothing of a multipart body without its end', async () => {
      const body = '--B\n\n{"name":"torn"}\n--B\n\nhalf of the by';
      const headers = { 'content-type': 'multipart/related; boundary=B' };
      const torn = await call('POST', '/upload/storage/v1/b/bkt/o?uploadType=multipart', { body, headers });
      expect(torn.status).toBe(400);
      expect((await call('GET', '/storage/v1/b/bkt/o/torn')).status).toBe(404);
    });

    it('goes on in chunks, answers questions, and repeats the last answer', async () => {
      const begun = await call('POST', '/resumable/upload/storage/v1/b/bkt/o?uploadType=resumable&name=chunks', {
        body: '{"size":"11"}',
        headers: { 'X-Upload-Content-Type': 'application/x-tar' },
      });
      expect(begun.status).toBe(200);
      expect(begun.headers.location).toBe(
        `${server.url}/upload/storage/v1/b/bkt/o?uploadType=resumable&upload_id=${begun.headers['x-guploader-uploadid']}`,
      );
      const session = String(begun.headers.location).slice(server.url.length);
      const send = (range: string, body = '') => call('PUT', session, { body, headers: { 'Content-Range': range } });
      const empty = await send('bytes */*');
      expect([empty.status, empty.headers.range]).toEqual([308, undefined]);
      const first = await send('bytes 0-5/*', 'hello ');
      expect([first.status, first.headers.range]).toEqual([308, 'bytes=0-5']);
      expect((await send('bytes */11')).headers.range).toBe('bytes=0-5');
      const done = await send('bytes 6-10/11', 'world');
      expect(done.json).toMatchObject({ size: '11', crc32c: 'yZRlqg==', contentType: 'application/x-tar' });
      expect((await send('bytes */11')).json).toEqual(done.json);
      expect((await send('nonsense')).status).toBe(400);
      expect((await call('PUT', '/upload/storage/v1/b/bkt/o?upload_id=unknown')).status).toBe(404);
    });

    it('makes the object of a whole body without a range, an empty one too, and forgets a cancelled session', async () => {
      const begin = async (name: string) => {
        const begun = await call('POST', `/upload/storage/v1/b/bkt/o?uploadType=resumable&name=${name}`);
        return String(begun.headers.location).slice(server.url.length);
      };
      expect((await call('PUT', await begin('whole'), { body: 'hello world' })).json.crc32c).toBe('yZRlqg==');
      expect((await call('PUT', await begin('none'), { headers: { 'Content-Range': 'bytes */0' } })).json.size).toBe(
        '0',
      );
      const session = await begin('cancelled');
      expect((await call('DELETE', session)).status).toBe(499);
      expect((await call('PUT', session, { body: 'x' })).status).toBe(404);
    });

    it('refuses a wrong checksum and a missed precondition, and the connection lives on', async () => {
      const multipart = (metadata: object, query = '') =>
        call('POST', `/upload/storage/v1/b/bkt/o?uploadType=multipart${query}`, {
          body: `--B\n\n${JSON.stringify(metadata)}\n--B\n\nhello world\n--B--`,
          headers: { 'content-type': 'multipart/related; boundary=B' },
        });
      const wrong = await multipart({ name: 'sum', md5Hash: 'AAAAAAAAAAAAAAAAAAAAAA==' });
      expect([wrong.status, wrong.json.error.errors[0].reason]).toEqual([400, 'invalid']);
      const made = await multipart({ name: 'sum', md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==' }, '&ifGenerationMatch=0');
      expect(made.status).toBe(200);
      const again = await multipart({ name: 'sum' }, '&ifGenerationMatch=0');
      expect([again.status, again.json.error.errors[0].reason]).toEqual([412, 'conditionNotMet']);
      expect((await multipart({})).status).toBe(400);
    });

    it('says why before a large body is through', async () => {
      const body = Buffer.alloc(8 << 20);
      const refused = await call('POST', '/upload/storage/v1/b/missing/o?uploadType=media&name=x', { body });
      expect([refused.status, refused.json.error.code, refused.json.error.errors[0].reason]).toEqual([
        404,
        404,
        'notFound',
      ]);
    });
  });

  describe('downloads', () => {
    it('serves ranges, never encoded', async () => {
      await put('range.txt', 'hello world');
      const path = '/download/storage/v1/b/bkt/o/range.txt?alt=media';
      const part = await call('GET', path, { headers: { Range: 'bytes=6-8', 'Accept-Encoding': 'gzip, deflate' } });
      expect([part.status, part.body.toString(), part.headers['content-range']]).toEqual([206, 'wor', 'bytes 6-8/11']);
      expect(part.headers['content-encoding']).toBeUndefined();
      const tail = await call('GET', '/storage/v1/b/bkt/o/range.txt?alt=media', { headers: { Range: 'bytes=-5' } });
      expect(tail.body.toString()).toBe('world');
      const behind = await call('GET', path, { headers: { Range: 'bytes=11-' } });
      expect([behind.status, behind.headers['content-range']]).toEqual([416, 'bytes */11']);
      const head = await call('HEAD', path);
      expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '11', 0]);
      expect((await call('GET', `${path}&generation=1`)).status).toBe(404);
    });

    it('gives objects by their plain path at the Google name, and below a prefix at ours', async () => {
      await put('dir/plain.txt', 'hello');
      const google = await call('GET', '/bkt/dir/plain.txt', { host: 'storage.googleapis.com' });
      expect(google.body.toString()).toBe('hello');
      expect((await call('GET', '/storage/plain/bkt/dir/plain.txt')).body.toString()).toBe('hello');
      expect((await call('GET', '/storage/plain/bkt/dir/plain.txt', { token: undefined })).status).toBe(401);
    });
  });

  describe('build logs', () => {
    it('are 404 before, whole lines while the build runs, 416 when there is nothing new, and never 403', async () => {
      server.projects.set('b-1', 'p1');
      const poll = (cursor: number, token = reader) =>
        call('GET', `/${server.logBucket}/log-b-1.txt`, {
          host: 'storage.googleapis.com',
          token,
          headers: { Range: `bytes=${cursor}-` },
        });
      expect((await poll(0)).status).toBe(404);
      const log = server.logs.writer('b-1');
      log.append('starting build\nhalf');
      await new Promise(setImmediate);
      const first = await poll(0);
      expect([first.status, first.body.toString()]).toEqual([206, 'starting build\n']);
      expect((await poll(15)).status).toBe(416);
      await log.close();
      expect((await poll(15)).body.toString()).toBe('half\n');
      expect((await poll(0, stranger)).status).toBe(404);
      expect((await poll(0, writer)).status).toBe(206);
      const anonymous = await call('GET', `/storage/plain/${server.logBucket}/log-b-1.txt`, { token: undefined });
      expect(anonymous.status).toBe(404);
    });

    it('have metadata like any object, and can not be overwritten', async () => {
      server.projects.set('b-2', 'p1');
      await server.logs.writer('b-2').close();
      const path = `/storage/v1/b/${server.logBucket}/o/log-b-2.txt`;
      expect((await call('GET', path)).json).toMatchObject({ size: '0', bucket: server.logBucket });
      expect((await call('DELETE', path)).status).toBe(403);
      const written = await call('POST', `/upload/storage/v1/b/${server.logBucket}/o?uploadType=media&name=x`);
      expect(written.status).toBe(403);
    });
  });

  describe('objects', () => {
    it('are found by encoded and by plain names, slashes and keywords included', async () => {
      await put('a/compose/b?c', 'x');
      for (const path of ['a%2Fcompose%2Fb%3Fc', 'a/compose/b%3Fc'])
        expect((await call('GET', `/storage/v1/b/bkt/o/${path}?alt=json`)).json.name).toBe('a/compose/b?c');
      expect((await call('GET', '/storage/v1/b/bkt/o/%zz')).status).toBe(404);
    });

    it('say in words what they do not have, so that no client looks for the bucket or tries again', async () => {
      await put('plain/acl', 'x');
      expect((await call('GET', '/storage/v1/b/bkt/o/plain%2Facl')).json.name).toBe('plain/acl');
      for (const [method, path] of [
        ['GET', '/iam'],
        ['PUT', '/iam'],
        ['GET', '/acl'],
        ['GET', '/o/plain%2Facl/acl'],
        ['POST', '/notificationConfigs'],
        ['PATCH', ''],
      ] as const) {
        const { status, json } = await call(method, `/storage/v1/b/bkt${path}`, method === 'GET' ? {} : { body: '{}' });
        expect([status, json.error.errors[0].reason, json.error.message]).toEqual([
          400,
          'notImplemented',
          expect.stringMatching(/^Slipway has no /),
        ]);
      }
    });

    it('are listed by prefix, folder and page', async () => {
      for (const name of ['list/a', 'list/sub/b', 'list/sub/c', 'list/z']) await put(name, name);
      const list = async (query: string) => (await call('GET', `/storage/v1/b/bkt/o?${query}`)).json;
      const whole = await list('prefix=list/&delimiter=/');
      expect([whole.items.map((item: { name: string }) => item.name), whole.prefixes]).toEqual([
        ['list/a', 'list/z'],
        ['list/sub/'],
      ]);
      const first = await list('prefix=list/&delimiter=/&maxResults=2');
      const second = await list(`prefix=list/&delimiter=/&maxResults=2&pageToken=${first.nextPageToken}`);
      expect(second.items.map((item: { name: string }) => item.name)).toEqual(['list/z']);
      expect(second.nextPageToken).toBeUndefined();
      expect((await call('GET', '/storage/v1/b/bkt/o?matchGlob=**')).status).toBe(400);
    });

    it('are rewritten, composed, changed and deleted', async () => {
      const source = (await put('src', 'hello ')).json;
      await put('src2', 'world');
      const rewritten = await call('POST', '/storage/v1/b/bkt/o/src/rewriteTo/b/bkt/o/dst%2Fcopy', { body: '{}' });
      expect(rewritten.json).toMatchObject({
        done: true,
        objectSize: '6',
        resource: { name: 'dst/copy', contentType: 'text/plain', crc32c: source.crc32c },
      });
      const composed = await call('POST', '/storage/v1/b/bkt/o/whole/compose', {
        body: JSON.stringify({
          destination: { contentType: 'text/html', crc32c: source.crc32c },
          sourceObjects: [{ name: 'src', generation: source.generation }, { name: 'src2' }],
        }),
      });
      expect(composed.json).toMatchObject({ size: '11', crc32c: 'yZRlqg==', contentType: 'text/html' });
      expect(composed.json.md5Hash).toBeUndefined();
      const changed = await call('PATCH', '/storage/v1/b/bkt/o/src', { body: '{"metadata":{"k":"v"}}' });
      expect(changed.json).toMatchObject({ metageneration: '2', metadata: { k: 'v' }, generation: source.generation });
      expect((await call('DELETE', '/storage/v1/b/bkt/o/src?generation=1')).status).toBe(404);
      expect((await call('DELETE', '/storage/v1/b/bkt/o/src?ifGenerationMatch=1')).status).toBe(412);
      expect((await call('DELETE', '/storage/v1/b/bkt/o/src')).status).toBe(204);
      expect((await call('GET', '/storage/v1/b/bkt/o/src')).json.error).toEqual({
        code: 404,
        message: 'No such object: bkt/src',
        errors: [{ message: 'No such object: bkt/src', domain: 'global', reason: 'notFound' }],
      });
    });

    it('refuses bodies that are not what they should be', async () => {
      expect((await call('POST', '/storage/v1/b?project=p1', { body: 'no json' })).status).toBe(400);
      expect((await call('POST', '/storage/v1/b?project=p1', { body: '{"name":7}' })).status).toBe(400);
      expect((await call('POST', '/storage/v1/b/bkt/o/x/compose', { body: '{"sourceObjects":[]}' })).status).toBe(400);
      const long = `{"name":"${'x'.repeat(2 << 20)}"}`;
      expect((await call('POST', '/storage/v1/b?project=p1', { body: long })).status).toBe(413);
      expect((await call('TRACE', '/storage/v1/b')).status).toBe(405);
      expect((await call('GET', '/storage/v1/b/bkt/nothing')).status).toBe(404);
    });
  });

  describe('buckets and rights', () => {
    it('makes the bucket that gcloud wants for sources, once, and lists it as the project’s own', async () => {
      const body = '{"name":"p1_cloudbuild"}';
      const made = await call('POST', '/storage/v1/b?project=p1&enableObjectRetention=False', { body });
      expect(made.json).toMatchObject({ id: 'p1_cloudbuild', location: 'US' });
      expect((await call('POST', '/storage/v1/b?project=p1', { body })).status).toBe(409);
      const list = await call('GET', '/storage/v1/b?project=p1&prefix=p1_cloudbuild&maxResults=1000', {
        token: reader,
      });
      expect(list.json.items.map((item: { id: string }) => item.id)).toEqual(['p1_cloudbuild']);
      expect((await call('DELETE', '/storage/v1/b/p1_cloudbuild')).status).toBe(204);
    });

    it('asks for a token, and keeps readers from writing and strangers out', async () => {
      await put('secret', 'x');
      const paths = [
        '/storage/v1/b/bkt',
        '/storage/v1/b/bkt/o',
        '/storage/v1/b/bkt/o/secret',
        '/storage/v1/b?project=p1',
      ];
      for (const path of paths) {
        expect((await call('GET', path, { token: reader })).status, path).toBe(200);
        expect((await call('GET', path, { token: stranger })).status, path).toBe(403);
        const anonymous = await call('GET', path, { token: undefined });
        expect([anonymous.status, anonymous.headers['www-authenticate']], path).toEqual([
          401,
          'Bearer realm="slipway"',
        ]);
        expect((await call('GET', path, { token: 'wrong' })).status, path).toBe(401);
      }
      const writes: [string, string][] = [
        ['POST', '/upload/storage/v1/b/bkt/o?uploadType=media&name=x'],
        ['DELETE', '/storage/v1/b/bkt/o/secret'],
        ['PATCH', '/storage/v1/b/bkt/o/secret'],
        ['POST', '/storage/v1/b/bkt/o/secret/rewriteTo/b/bkt/o/x'],
        ['DELETE', '/storage/v1/b/bkt'],
      ];
      for (const [method, path] of writes)
        expect((await call(method, path, { token: reader })).status, `${method} ${path}`).toBe(403);
      const out = await call('POST', '/storage/v1/b/bkt/o/secret/rewriteTo/b/p2b/o/x', { token: stranger });
      expect(out.status).toBe(403);
    });
  });
});
