import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { sendBytes, sendStream, urlOf } from './answer.ts';
import { BodyTooLong, readBody } from './body.ts';
import { nextLink } from './links.ts';
import { multipartRanges } from './multipart-ranges.ts';
import { type ByteSpan, contentRange, rangeOf, rangesOf } from './ranges.ts';
import { Router } from './router.ts';

describe('a router', () => {
  const router = new Router<string>()
    .on('GET', '/v2/', 'ping')
    .on('POST', '/v2/{name+}/blobs/uploads/', 'start')
    .on('GET', '/v2/{name+}/blobs/uploads/{upload}', 'upload')
    .on('GET', '/v2/{name+}/blobs/{digest}', 'blob')
    .on('DELETE', '/v2/{name+}/blobs/{digest}', 'delete blob')
    .on('GET', '/v2/{name+}/manifests/{reference}', 'manifest')
    .on('GET', '/v2/{name+}/tags/list', 'tags')
    .on('HEAD', '/only-head', 'head');

  it.each([
    ['GET', '/v2/', 'ping', {}],
    ['GET', '/v2/a/manifests/latest', 'manifest', { name: 'a', reference: 'latest' }],
    [
      'GET',
      '/v2/a/manifests/b/manifests/list/manifests/v1',
      'manifest',
      { name: 'a/manifests/b/manifests/list', reference: 'v1' },
    ],
    ['GET', '/v2/blobs/uploads/tags/list', 'tags', { name: 'blobs/uploads' }],
    ['GET', '/v2/a/blobs/uploads/manifests/x', 'manifest', { name: 'a/blobs/uploads', reference: 'x' }],
    ['POST', '/v2/a/blobs/uploads/', 'start', { name: 'a' }],
    ['GET', '/v2/a/blobs/uploads/1', 'upload', { name: 'a', upload: '1' }],
    ['HEAD', '/v2/a/blobs/sha256%3Aff', 'blob', { name: 'a', digest: 'sha256:ff' }],
    ['HEAD', '/only-head', 'head', {}],
  ])('%s %s goes to %s', (method, path, handler, params) => {
    expect(router.find(method, path)).toEqual({ handler, params });
  });

  it('tells an unknown path from a wrong method', () => {
    expect(router.find('GET', '/v2/a')).toBeUndefined();
    expect(router.find('GET', '/v1/')).toBeUndefined();
    expect(router.find('GET', '/v2/a/blobs/%ff')).toBeUndefined();
    expect(router.find('PATCH', '/v2/a/blobs/x')).toEqual({ allow: ['GET', 'DELETE'] });
  });
});

describe('a range', () => {
  it.each([
    [undefined, 'whole'],
    ['bytes=500-1499', { start: 500, end: 1499 }],
    ['bytes=500-', { start: 500, end: 2047 }],
    ['bytes=-500', { start: 1548, end: 2047 }],
    ['bytes=-5000', { start: 0, end: 2047 }],
    ['bytes=2000-5000', { start: 2000, end: 2047 }],
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=500-0', 'unsatisfiable'],
    ['bytes=5000-10000', 'unsatisfiable'],
    ['bytes=2048-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=1-2', 'whole'],
    ['bytes=a-b', 'whole'],
  ])('%s of 2048 bytes is %j', (header, expected) => {
    expect(rangeOf(header, 2048)).toEqual(expected);
  });

  it.each([
    ['bytes=0-1,5-6', [0, 1], [5, 6]],
    ['bytes=0-1, 2040-, -3', [0, 1], [2040, 2047], [2045, 2047]],
    ['bytes=0-1,5000-,9-', [0, 1], [9, 2047]],
    ['bytes=7-7,,', [7, 7]],
  ])('%s are several', (header, ...spans) => {
    expect(rangesOf(header, 2048)).toEqual(spans.map(([start, end]) => ({ start, end })));
  });

  it.each([
    ['bytes=0-,0-', 'whole'],
    ['bytes=0-1000,500-1500,1000-2000', 'whole'],
    ['bytes=0-1,x', 'whole'],
    ['bytes=5000-,6000-7000', 'unsatisfiable'],
    ['bytes=', 'whole'],
  ])('%s is %s: more than there is, nonsense, or nothing', (header, expected) => {
    expect(rangesOf(header, 2048)).toBe(expected);
  });

  it('is one of several parts of a body', async () => {
    const bytes = Buffer.from('0123456789');
    const open = async ({ start, end }: ByteSpan) => Readable.from([bytes.subarray(start, end + 1)]);
    const spans = [
      { start: 0, end: 1 },
      { start: 7, end: 9 },
    ];
    const parts = multipartRanges(spans, 10, 'text/plain', open);
    const body = await buffer(parts.body);
    expect(body).toHaveLength(parts.length);
    const boundary = parts.contentType.replace('multipart/byteranges; boundary=', '');
    const part = (range: string, text: string) =>
      `--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n${text}\r\n`;
    expect(body.toString()).toBe(`${part('0-1', '01')}${part('7-9', '789')}--${boundary}--\r\n`);
  });

  it('of nothing can not be satisfied, and is written as HTTP wants it', () => {
    expect(rangeOf('bytes=0-', 0)).toBe('unsatisfiable');
    expect(contentRange({ start: 500, end: 1499 }, 2048)).toBe('bytes 500-1499/2048');
  });
});

it('reads path and query from both forms of a request line', () => {
  const read = (url: string) => {
    const { path, query } = urlOf({ url } as IncomingMessage);
    return [path, query.toString()];
  };
  expect(read('/v2/a?n=1&n=2')).toEqual(['/v2/a', 'n=1&n=2']);
  expect(read('http://host:1/v2/a?n=1')).toEqual(['/v2/a', 'n=1']);
  expect(read('http://host:1')).toEqual(['/', '']);
  expect(read('//odd/path')).toEqual(['//odd/path', '']);
});

it('leads to the next page with what the next request has to carry', () => {
  expect(nextLink('/v2/a/tags/list', { n: 2, last: 'b&c', filter: undefined })).toBe(
    '</v2/a/tags/list?n=2&last=b%26c>; rel="next"',
  );
});

describe('over a socket', () => {
  let close = () => {};
  afterEach(() => close());

  async function served(handler: RequestListener): Promise<number> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => {
      server.close();
      server.closeAllConnections();
    };
    return (server.address() as AddressInfo).port;
  }

  it.each([1, 16, 17])('gets %i times 1 KB byte for byte, whatever the bytes', async (kilobytes) => {
    const bytes = Buffer.from(Array.from({ length: kilobytes * 1024 }, (_, i) => i % 256)).subarray(3);
    const port = await served((_, response) => sendBytes(response, 200, bytes, { 'Content-Type': 'a/b' }));
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('a client can read the answer to a body that was too long, announced or not', async () => {
    const port = await served((request, response) => {
      readBody(request, 1000).then(
        (body) => response.writeHead(200).end(String(body.length)),
        (error) => response.writeHead(error instanceof BodyTooLong ? 413 : 500).end(),
      );
    });
    const post = (chunked: boolean, size: number) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = chunked ? {} : { 'Content-Length': size };
        const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on('error', reject);
        sent.end(Buffer.alloc(size));
      });
    expect(await post(true, 1000)).toBe(200);
    expect(await post(true, 300_000)).toBe(413);
    expect(await post(false, 300_000)).toBe(413);
  });

  it('a client that goes away ends the stream that it was reading', async () => {
    let ended: (closed: boolean) => void = () => {};
    const sourceClosed = new Promise<boolean>((resolve) => {
      ended = resolve;
    });
    const port = await served((_, response) => {
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(64 * 1024));
        },
      });
      endless.once('close', () => ended(true));
      sendStream(response, endless).catch(() => ended(false));
    });
    const sent = httpRequest({ port, host: '127.0.0.1' }, (answer) => answer.once('data', () => sent.destroy()));
    sent.on('error', () => {});
    sent.end();
    expect(await sourceClosed).toBe(true);
  });
});
