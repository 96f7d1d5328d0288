import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StorageServer, startStorageServer } from './storage-server.ts';

/** Conversations of the real clients with a throw-away stub; they are not part of the repository. */
const RECORDINGS = resolve(import.meta.dirname, '../../../shared/fixtures/gcloud');
const CASES = [
  'submit-async-region',
  'submit-gs-source',
  'gs-cp-up-small',
  'gs-cp-up-big',
  'gs-cp-down',
  'gs-cp-gs',
  'gs-compose',
  'gs-ls-r',
  'gs-rm',
  'gs-stdin',
  'gsutil-cp-up',
  'gsutil-cp-gs',
  'gsutil-compose',
  'gsutil-rm',
  'gsutil-rsync',
];

interface Exchange {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers: Record<string, string>;
  json?: { sourceObjects?: { name: string }[] };
  body_head?: string;
  response: { status: number; json?: Record<string, unknown> };
}

describe.skipIf(!existsSync(RECORDINGS))('storage door: recorded conversations (need the recordings)', () => {
  let server: StorageServer;
  let token: string;

  beforeAll(async () => {
    server = await startStorageServer();
    token = await server.token({ role: 'admin', project: 'p1' });
  });
  afterAll(() => server?.close());

  it.each(CASES)('%s: same status, and every field that the client was given', async (name) => {
    const { exchange } = JSON.parse(readFileSync(join(RECORDINGS, `${name}.json`), 'utf8')) as { exchange: Exchange[] };
    const talk = exchange.filter((one) => /^\/((resumable\/)?upload|download)?\/?storage\/v1\//.test(one.path));
    expect(talk.length).toBeGreaterThan(0);
    await prepare(talk);
    const renamed = new Map<string, string>();
    for (const one of talk) {
      const answer = await replay(one, renamed);
      const what = `${one.method} ${one.path}`;
      expect(answer.status, what).toBe(one.response.status);
      const { json = {} } = one.response;
      if (one.response.status < 300)
        expect(Object.keys(answer.json ?? {}), what).toEqual(expect.arrayContaining(keysOf(json)));
      for (const key of ['generation', 'upload_id']) learn(renamed, json[key], answer.json?.[key]);
      learn(renamed, uploadId(one.response), answer.uploadId);
    }
  });

  /** Brings the buckets to where the conversation began: what its first reading found is there, and nothing else. */
  async function prepare(talk: Exchange[]): Promise<void> {
    const seen = new Set<string>();
    for (const bucket of await server.buckets.buckets('p1')) {
      for (const { name } of (await server.buckets.list(bucket.name, { limit: 1000 })).objects)
        await server.buckets.remove(bucket.name, name);
      await server.buckets.removeBucket(bucket.name);
    }
    const absent = talk.filter(({ method, response }) => method === 'GET' && response.status === 404);
    const madeLater = absent.map(({ path }) => /\/b\/([^/]+)$/.exec(path)?.[1]);
    for (const { path, query, json, response } of talk) {
      const [, bucket, object] = /\/b\/([^/]+)(?:\/o\/([^/]+))?/.exec(path)?.map(decodeURIComponent) ?? [];
      if (bucket === undefined || madeLater.includes(bucket)) continue;
      if ((await server.buckets.bucket(bucket)) === undefined)
        await server.buckets.createBucket({ name: bucket, project: query?.['project'] ?? 'p1', location: 'us' });
      for (const part of json?.sourceObjects ?? [])
        await server.buckets.put(bucket, part.name, bytesOf(300), { contentType: 'application/octet-stream' });
      if (object === undefined || object === 'undefined' || seen.has(object)) continue;
      seen.add(object);
      if (response.status < 300)
        await server.buckets.put(bucket, object, bytesOf(300), { contentType: 'application/octet-stream' });
    }
  }

  function replay(
    one: Exchange,
    renamed: Map<string, string>,
  ): Promise<{ status: number; json: Record<string, unknown> | undefined; uploadId: string | undefined }> {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(one.query ?? {})) query.set(key, ours(renamed, value));
    const body = bodyOf(one);
    const headers = { ...one.headers };
    for (const key of Object.keys(headers)) if (/^(content-length|authorization|host)$/i.test(key)) delete headers[key];
    return new Promise((done, failed) => {
      const { hostname, port } = new URL(server.url);
      const target = { hostname, port, method: one.method, path: `${one.path}?${query}` };
      const fields = { ...headers, authorization: `Bearer ${token}`, 'content-length': String(body.length) };
      const request = httpRequest({ ...target, headers: fields }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        const json = /json/.test(response.headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) : undefined;
        const id = response.headers['x-guploader-uploadid'];
        done({ status: response.statusCode ?? 0, json, uploadId: typeof id === 'string' ? id : undefined });
      });
      request.on('error', failed);
      request.end(body);
    });
  }
});

/** The recordings hold only the beginning of large bodies: what is missing is made up in the same form. */
function bodyOf({ json, headers, body_head }: Exchange): Buffer {
  if (json !== undefined) return Buffer.from(JSON.stringify(json));
  const lower = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
  const boundary = /boundary='(.+)'/.exec(lower['content-type'] ?? '')?.[1];
  if (boundary !== undefined) {
    const head = (body_head ?? '').split(`--${boundary}\n`)[1] ?? '';
    const media = 'Content-Type: application/octet-stream\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\n\n';
    return Buffer.from(`--${boundary}\n${head}--${boundary}\n${media}\u0001\u0002\n--${boundary}--`);
  }
  const range = /bytes (\d+)-(\d+)\//.exec(lower['content-range'] ?? '');
  return range === null ? Buffer.alloc(0) : Buffer.alloc(Number(range[2]) - Number(range[1]) + 1);
}

async function* bytesOf(length: number): AsyncGenerator<Buffer> {
  yield Buffer.alloc(length, 7);
}

/** Lists that the stub left out when they were empty may be there; md5Hash of composed objects may not. */
function keysOf(json: Record<string, unknown>): string[] {
  return Object.keys(json).filter(
    (key) => !['componentCount', 'rewriteToken', 'nextPageToken', 'projectNumber'].includes(key),
  );
}

function uploadId(response: Exchange['response']): string | undefined {
  return (response as { headers?: Record<string, string> }).headers?.['X-GUploader-UploadID'];
}

function learn(renamed: Map<string, string>, theirs: unknown, mine: unknown): void {
  if (typeof theirs === 'string' && typeof mine === 'string') renamed.set(theirs, mine);
}

function ours(renamed: Map<string, string>, value: string): string {
  return renamed.get(value) ?? value;
}
