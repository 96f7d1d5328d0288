import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFiles } from '../../adapters/disk/log-files.ts';
import type { Identity } from '../../auth/identity.ts';
import type { Build } from '../../builds/build.ts';
import { projectNumber } from '../../builds/project-number.ts';
import { GrpcClient } from '../grpc/grpc-client.ts';
import { LoggingServiceV2 } from './gen/tail_pb.ts';
import { type LoggingDoor, loggingDoor } from './server.ts';

const IDENTITIES: Record<string, Identity> = {
  reader: { kind: 'token', name: 'r', grants: [{ role: 'reader', project: 'p1' }] },
  other: { kind: 'token', name: 'o', grants: [{ role: 'admin', project: 'p2' }] },
};
const FILTER = 'logName="projects/p1/logs/cloudbuild" AND resource.type="build" AND resource.labels.build_id="b1"';
const build = { id: 'b1', projectId: 'p1', createTime: '2026-01-01T00:00:00.000Z' } as Build;

let folder: string;
let logs: LogFiles;
let door: LoggingDoor;
let server: Server;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-logging-'));
  logs = new LogFiles(folder);
  door = await loggingDoor({
    authenticator: { verify: async (secret) => IDENTITIES[secret] },
    requireToken: true,
    records: { get: async (id) => (id === 'b1' ? { build, request: {}, actor: 'a' } : undefined) },
    logs,
  });
  server = createHttpServer(door.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function list(question: object, token = 'reader') {
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/entries:list`, {
    method: 'POST',
    headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), connection: 'close' },
    body: JSON.stringify({ resourceNames: ['projects/p1'], filter: FILTER, ...question }),
  });
  const json = (await answer.json()) as {
    entries?: { textPayload: string; timestamp: string; insertId: string }[];
    nextPageToken?: string;
    error?: { message: string };
  };
  return { status: answer.status, json, texts: json.entries?.map((entry) => entry.textPayload) };
}

async function write(...lines: string[]): Promise<void> {
  const writer = logs.writer('b1');
  writer.append(lines.map((line) => `${line}\n`).join(''));
  await writer.close();
}

describe('entries.list', () => {
  it('gives a line each, in order, in pages, from either end', async () => {
    await write('a', '', 'c', 'ERROR: d');
    const { json } = await list({ orderBy: 'timestamp asc' });
    expect(json.entries?.[3]).toMatchObject({
      logName: 'projects/p1/logs/cloudbuild',
      resource: { type: 'build', labels: { build_id: 'b1', project_id: 'p1', build_trigger_id: '' } },
      textPayload: 'ERROR: d',
      severity: 'ERROR',
      insertId: 'b1-3',
      labels: { build_step: 'MAIN' },
    });
    const times = json.entries?.map((entry) => entry.timestamp) ?? [];
    expect(times).toEqual(times.toSorted());
    const first = await list({ pageSize: 3 });
    const second = await list({ pageSize: 3, pageToken: first.json.nextPageToken });
    expect([first.texts, second.texts, second.json.nextPageToken]).toEqual([['a', '', 'c'], ['ERROR: d'], undefined]);
    const last = await list({ pageSize: 3, orderBy: 'timestamp desc' });
    const before = await list({ pageSize: 3, orderBy: 'timestamp desc', pageToken: last.json.nextPageToken });
    expect([last.texts, before.texts]).toEqual([['ERROR: d', 'c', ''], ['a']]);
  });

  it('takes the project by its number, and gives nothing for other logs and other projects’ builds', async () => {
    await write('a');
    const byNumber = { resourceNames: [`projects/${projectNumber('p1')}`] };
    expect([(await list(byNumber)).texts, (await list(byNumber, 'other')).status]).toEqual([['a'], 403]);
    for (const filter of [
      'resource.type="gce_instance"',
      'logName="projects/p1/logs/syslog"',
      'resource.labels.build_id="b2"',
    ])
      expect((await list({ filter })).json).toEqual({});
    expect((await list({ resourceNames: ['projects/p2'] }, 'other')).json).toEqual({});
  });

  it.each([
    ['no token', {}, '', 401],
    ['another project’s token', {}, 'other', 403],
    ['no build', { filter: 'resource.type="build"' }, 'reader', 400],
    ['a filter that is not known', { filter: 'a=b' }, 'reader', 400],
    ['a folder in place of a project', { resourceNames: ['folders/1'] }, 'reader', 400],
    ['an order that is not known', { orderBy: 'severity' }, 'reader', 400],
    ['a token of another page', { pageToken: '!' }, 'reader', 400],
  ])('refuses %s', async (_what, question, token, status) => {
    await write('a');
    expect((await list(question, token)).status).toBe(status);
  });
});

describe('TailLogEntries', () => {
  let client: GrpcClient;
  let served: Promise<void>;
  let listener: ReturnType<typeof createServer>;
  beforeEach(async () => {
    listener = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
    client = await GrpcClient.over(connect((listener.address() as AddressInfo).port, '127.0.0.1'));
    served = door.grpc(await accepted);
  });
  afterEach(async () => {
    client.close();
    await served;
    listener.close();
  });

  const tail = (token: string) => {
    const call = client.stream(LoggingServiceV2.method.tailLogEntries, {
      metadata: { authorization: `Bearer ${token}` },
    });
    return { call, question: () => call.send({ resourceNames: ['projects/p1'], filter: FILTER }) };
  };

  it('gives what is there, then what comes, and stays open until the client has enough', async () => {
    const writer = logs.writer('b1');
    writer.append('first\n');
    const { call, question } = tail('reader');
    await question();
    const seen: string[] = [];
    for await (const { entries } of call.messages) {
      seen.push(...entries.map((entry) => `${entry.insertId} ${entry.textPayload}`));
      if (seen.length === 1) writer.append('second\nthird\n');
      if (seen.length >= 3) break;
    }
    await writer.close();
    call.cancel();
    expect(seen).toEqual(['b1-0 first', 'b1-1 second', 'b1-2 third']);
  });

  it('refuses who may not read the project', async () => {
    const { call, question } = tail('other');
    await question();
    await expect(call.messages[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'permission-denied' });
  });
});
