import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LendingReadable } from '../../lib/lending-readable.ts';
import { sendStream } from './answer.ts';

const bytes = randomBytes(3_000_000);
let folder = '';
let file = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-lending-'));
  file = join(folder, 'file');
  await writeFile(file, bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function part(start = 0, length = bytes.length - start) {
  const handle = await open(file, 'r');
  return { handle, stream: new LendingReadable(handle, { start, length, readBytes: 1 << 20 }) };
}

async function closed(stream: LendingReadable): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

describe('a part of a file that is lent', () => {
  it('comes in order, in memory that is used again only when the taker is done', async () => {
    const { stream, handle } = await part(7, 2_000_000);
    const got: Buffer[] = [];
    const memory = new Set<ArrayBufferLike>();
    const count = await stream.lend(async (chunk) => {
      await sleep(2); // the next is being read
      got.push(Buffer.from(chunk));
      memory.add(chunk.buffer);
    });
    expect(count).toBe(2_000_000);
    expect(Buffer.concat(got).equals(bytes.subarray(7, 2_000_007))).toBe(true);
    expect(memory.size).toBe(2);
    await closed(stream);
    expect(handle.fd).toBe(-1);
  });

  it('ends with the failure of whoever takes it, and with a file that was cut', async () => {
    const failing = await part();
    await expect(failing.stream.lend(() => Promise.reject(new Error('no more')))).rejects.toThrow('no more');
    await closed(failing.stream);
    expect(failing.handle.fd).toBe(-1);

    const { stream } = await part();
    await truncate(file, 1000);
    expect(await stream.lend(async () => undefined)).toBe(1000);
    await writeFile(file, bytes);
  });

  it('is a stream like any other for whoever reads it as one', async () => {
    const { stream, handle } = await part(0, 1_500_000);
    expect(Buffer.concat(await stream.toArray()).equals(bytes.subarray(0, 1_500_000))).toBe(true);
    await closed(stream);
    expect(handle.fd).toBe(-1);
  });
});

describe('an answer from a part of a file', () => {
  async function serving<T>(
    answer: (response: ServerResponse) => Promise<void>,
    ask: (port: number) => Promise<T>,
  ): Promise<T> {
    const server = createServer((_, response) => {
      answer(response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await ask((server.address() as AddressInfo).port);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('is whole, and the connection carries the next', async () => {
    const answer = async (response: ServerResponse) => {
      const { stream } = await part();
      response.writeHead(200, { 'Content-Length': bytes.length });
      await sendStream(response, stream, bytes.length);
    };
    await serving(answer, async (port) => {
      for (let i = 0; i < 2; i++) {
        const body = await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
        expect(Buffer.from(body).equals(bytes)).toBe(true);
      }
    });
  });

  it('is cut when the file is shorter than was said', async () => {
    const answer = async (response: ServerResponse) => {
      const { stream } = await part(0, 1000);
      response.writeHead(200, { 'Content-Length': 2000 });
      await sendStream(response, stream, 2000);
    };
    await serving(answer, async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      await expect(response.arrayBuffer()).rejects.toThrow();
    });
  });

  it('closes its file when the client goes away while it waits for it', async () => {
    const opened: LendingReadable[] = [];
    let sent: Promise<void> | undefined;
    const large = join(folder, 'large');
    await writeFile(large, Buffer.alloc(32 << 20));
    const answer = async (response: ServerResponse) => {
      const stream = new LendingReadable(await open(large, 'r'), { start: 0, length: 32 << 20, readBytes: 1 << 20 });
      opened.push(stream);
      response.writeHead(200, { 'Content-Length': 32 << 20 });
      sent = sendStream(response, stream, 32 << 20);
      await sent;
    };
    await serving(answer, async (port) => {
      await new Promise<void>((resolve) => {
        const request = get({ port, host: '127.0.0.1' }, (response) => {
          response.once('data', () => {
            response.pause();
            setTimeout(() => {
              request.destroy();
              resolve();
            }, 50);
          });
          response.on('error', () => undefined);
        });
        request.on('error', () => undefined);
      });
      await expect(sent).resolves.toBeUndefined();
      await closed(opened[0] as LendingReadable);
    });
  });
});
