import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { DockerCall } from '../call.ts';
import { JsonLines } from './json-lines.ts';

const PIECE = 'x'.repeat(1 << 20);
let close = () => {};
afterEach(() => close());

/** An answer to a client that reads nothing until it is told to. */
async function unread(): Promise<{ response: ServerResponse; read: () => Promise<string> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  close = () => {
    client.destroy();
    server.close();
  };
  client.write('GET / HTTP/1.0\r\n\r\n');
  const response = await new Promise<ServerResponse>((resolve) => server.once('request', (_, found) => resolve(found)));
  const read = async () => {
    let text = '';
    for await (const chunk of client.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
    return text;
  };
  return { response, read };
}

it('holds 32 MiB for a client that does not read, and says where the rest is missing; results are never lost', async () => {
  const { response, read } = await unread();
  const lines = new JsonLines({ response } as unknown as DockerCall);
  for (let i = 0; i < 200; i++) lines.tell({ stream: PIECE });
  expect(response.writableLength).toBeLessThan(34 << 20);
  void lines.send({ aux: { ID: 'sha256:1' } });
  const all = read();
  await new Promise((resolve) => response.once('drain', resolve));
  lines.tell({ stream: 'the last' });
  lines.end();
  const text = await all;
  expect(text).toContain('{"aux":{"ID":"sha256:1"}}');
  expect(text).toMatch(
    /\[1\d\d pieces of output are missing: they were not read in time\]\\n"\}\r\n\{"stream":"the last"\}/,
  );
});
