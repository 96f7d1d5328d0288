import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { digestOf } from '../../../src/images/digest.ts';
import { log } from '../../../src/lib/log.ts';
import { callRegistry, type RegistryAnswer } from '../../wire/registry-call.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';
import { type HostileRequest, hostileRequest, KNOWN, OPEN_UPLOAD } from './hostile-requests.ts';
import { requestBytes, sendRaw } from './raw-request.ts';

/** How often a property is tried; fast-check prints the seed of a failure, which `seed` then repeats. */
export interface Tries {
  runs: number;
  seed?: number;
}

/** Lies beside the content, and is in no answer. */
const SECRET = 'what the registry has to keep to itself';

export function registryIsContained({ runs, seed }: Tries): void {
  it(`no request leaves the content folder, gets what lies beside it, or makes the server fail (${runs} tries)`, async () => {
    const failures: unknown[] = [];
    const spy = vi.spyOn(log, 'error').mockImplementation((...words: unknown[]) => void failures.push(words));
    const server = await startRegistryServer();
    try {
      const secret = await server.token({ role: 'admin', project: 'p' });
      await writeFile(server.folder.token, SECRET);
      await writeFile(join(server.folder.uploads, '..', '..', 'beside.json'), JSON.stringify({ owner: SECRET }));
      const before = await beside(server);
      let upload = '';
      let tried = 0;
      const property = fc.asyncProperty(hostileRequest, async (hostile) => {
        // what the requests before have ended or deleted is there again
        if (tried++ % 20 === 0) upload = await prepare(server, secret);
        const answer = await sendRaw(server.host, bytesOf(hostile, { host: server.host, secret, upload }));
        expect(answer.status, answer.text.slice(0, 500)).toBeGreaterThanOrEqual(200);
        expect(answer.status, answer.text.slice(0, 500)).toBeLessThan(500);
        expect(answer.text).not.toContain(SECRET);
        expect(failures).toEqual([]);
      });
      await fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
      expect(await beside(server)).toEqual(before);
      for (const file of await filesBelow(server.folder.content)) expect(file).toMatch(CONTENT);
      await expectUnharmed(server, secret);
    } finally {
      spy.mockRestore();
      await server.close();
    }
  });
}

/** All that may lie in the content folder, relative to it. */
const CONTENT =
  /^(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126}|uploads\/[0-9a-f-]{36}(?:\.json)?)$/;

function bytesOf(hostile: HostileRequest, real: { host: string; secret: string; upload: string }): Buffer {
  const { method, path, headers, body } = hostile;
  const known: [string, string][] = [
    ['Host', real.host],
    ['Authorization', `Bearer ${real.secret}`],
  ];
  return requestBytes(method, path.replaceAll(OPEN_UPLOAD, real.upload), [...known, ...headers], body);
}

/** What `KNOWN` says is there. @returns the id of a new upload */
async function prepare(server: RegistryServer, secret: string): Promise<string> {
  const base = `/v2/${KNOWN.repository}`;
  const send = (method: string, path: string, body?: Buffer) =>
    callRegistry(server.host, method, `${base}/${path}`, { secret, body });
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const digest = digestOf(KNOWN.blob, algorithm);
    expect((await send('POST', `blobs/uploads/?digest=${digest}`, KNOWN.blob)).status).toBe(201);
  }
  expect((await send('PUT', `manifests/${KNOWN.tag}`, KNOWN.manifest)).status).toBe(201);
  return String((await send('POST', 'blobs/uploads/')).headers.location)
    .split('/')
    .at(-1) as string;
}

/** Everything in the data folder that is neither content nor the database, with its bytes. */
async function beside(server: RegistryServer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const file of await filesBelow(server.folder.root)) {
    if (file.startsWith('content/') || file.startsWith('slipway.db')) continue;
    files[file] = await readFile(join(server.folder.root, file), 'utf8');
  }
  return files;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Whatever is in the store afterwards is what its name says. */
async function expectUnharmed(server: RegistryServer, secret: string): Promise<void> {
  for (const blob of await server.blobs.page(0, undefined, 100_000))
    expect(
      digestOf(await server.content.read(blob.digest), blob.digest.startsWith('sha512') ? 'sha512' : 'sha256'),
    ).toBe(blob.digest);
  expect((await callRegistry(server.host, 'GET', '/v2/', { secret })).status).toBe(200);
}

/** Ranges of a blob against the plainest reading of the RFC. */
export function rangesAreRight({ runs, seed }: Tries): void {
  it(`any ranges give the bytes that they name, or all of them (${runs} tries)`, async () => {
    const server = await startRegistryServer();
    try {
      const secret = await server.token({ role: 'admin', project: 'p' });
      const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
      const path = `/v2/p/images/app/blobs/${digestOf(bytes)}`;
      const begun = `/v2/p/images/app/blobs/uploads/?digest=${digestOf(bytes)}`;
      expect((await callRegistry(server.host, 'POST', begun, { secret, body: bytes })).status).toBe(201);
      const position = fc.oneof(fc.nat(260).map(String), fc.constant(''));
      const spans = fc.array(fc.tuple(position, position), { minLength: 1, maxLength: 5 });
      const property = fc.asyncProperty(spans, async (asked) => {
        const range = `bytes=${asked.map((span) => span.join('-')).join(',')}`;
        const answer = await callRegistry(server.host, 'GET', path, { secret, headers: { Range: range } });
        const wanted = asked.flatMap(([first, last]) => slice(bytes, first, last));
        expectParts(answer, wanted, bytes);
      });
      await fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
    } finally {
      await server.close();
    }
  });
}

function expectParts({ status, headers, body }: RegistryAnswer, wanted: Buffer[], whole: Buffer): void {
  if (status === 416) expect(wanted).toEqual([]);
  else if (status === 200) expect(body.equals(whole)).toBe(true);
  else {
    expect(status).toBe(206);
    const boundary = /boundary=(\w+)/.exec(headers['content-type'] ?? '')?.[1];
    const parts = boundary === undefined ? [body.toString('latin1')] : partsOf(body.toString('latin1'), boundary);
    expect(parts).toEqual(wanted.map((part) => part.toString('latin1')));
  }
}

function partsOf(body: string, boundary: string): string[] {
  const between = body.split(`--${boundary}`).slice(1, -1);
  return between.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4, -2));
}

function slice(bytes: Buffer, first: string, last: string): Buffer[] {
  if (first === '' && last === '') return [];
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes.length : Math.min(bytes.length, Number(last) + 1);
  return start < end ? [bytes.subarray(start, end)] : [];
}
