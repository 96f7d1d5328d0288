import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AgentRelay, relayAgent } from './agent-relay.ts';

const OWNER = { mode: 0o640, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const message = (type: number, body = '') => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(1 + body.length);
  return Buffer.concat([length, Buffer.from([type]), Buffer.from(body)]);
};

let folder: string;
let agent: Server;
let relay: AgentRelay | undefined;
/** What the agent was asked. */
let asked: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-relay-'));
  asked = [];
  // answers each message by what it was, in two pieces
  agent = createServer((socket) => {
    socket.on('data', (chunk) => {
      asked.push(chunk.toString('latin1'));
      const answer = message(12, `to ${chunk[4]}`);
      socket.write(answer.subarray(0, 3));
      setTimeout(() => socket.write(answer.subarray(3)), 5);
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => agent.listen(join(folder, 'agent'), done));
});
afterEach(async () => {
  await relay?.close();
  relay = undefined;
  agent.close();
  rmSync(folder, { recursive: true });
});

/** Sends bytes, and gives what came back when the relay closed or that much was there. */
function ask(path: string, bytes: Buffer, enough: number): Promise<Buffer> {
  return new Promise((resolve) => {
    let got = Buffer.alloc(0);
    const socket = connect(path, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= enough) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });
}

it('passes on questions for keys and signatures alone, and answers in their order', async () => {
  const path = join(folder, 'relay');
  relay = await relayAgent(path, join(folder, 'agent'), OWNER);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  const add = 17;
  const removeAll = 19;
  const requests = Buffer.concat([message(11), message(add, 'key'), message(13, 'sign me'), message(removeAll)]);
  const failure = message(5);
  const expected = Buffer.concat([message(12, 'to 11'), failure, message(12, 'to 13'), failure]);
  expect(await ask(path, requests, expected.length)).toEqual(expected);
  expect(asked).toEqual([message(11).toString('latin1'), message(13, 'sign me').toString('latin1')]);
});

it('closes the connection for a message that is too long, and when the agent has gone', async () => {
  const path = join(folder, 'relay');
  relay = await relayAgent(path, join(folder, 'agent'), OWNER);
  expect(await ask(path, Buffer.from([0xff, 0, 0, 0, 11]), 1)).toHaveLength(0);
  await relay.close();
  relay = await relayAgent(path, join(folder, 'nobody'), OWNER);
  expect(await ask(path, message(11), 1)).toHaveLength(0);
});

it('listens below a folder whose path is longer than a socket may be', async () => {
  const deep = join(folder, 'd'.repeat(100));
  mkdirSync(deep);
  relay = await relayAgent(join(deep, 'relay'), join(folder, 'agent'), OWNER);
  expect(statSync(join(deep, 'relay')).isSocket()).toBe(true);
});
