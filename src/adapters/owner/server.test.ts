import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../../lib/problem.ts';
import { connectObjects, type RemoteObjects } from './client.ts';
import { FRAME_BYTES } from './frames.ts';
import { type ObjectServer, serveObjects } from './server.ts';

class Shelf {
  readonly #books = new Map<string, string>([['a', 'Ulysses']]);

  async find(name: string): Promise<string | undefined> {
    return this.#books.get(name);
  }

  async argumentsOf(...args: unknown[]): Promise<{ count: number; absent: number[] }> {
    return { count: args.length, absent: args.flatMap((value, i) => (value === undefined ? [i] : [])) };
  }

  async echo(text: string): Promise<string> {
    return text;
  }

  async lend(): Promise<void> {
    throw new Problem('conflict', 'lent already', {
      hint: 'Wait.',
      place: { file: 'shelf.txt', ranges: [{ line: 1, column: 1, endLine: 1, endColumn: 2 }], text: 'x' },
    });
  }

  async burn(): Promise<void> {
    throw new TypeError('pages is undefined');
  }

  never(): Promise<void> {
    return new Promise(() => undefined);
  }
}

describe('objects of another process', () => {
  let folder: string;
  let path: string;
  let server: ObjectServer;
  let client: RemoteObjects<{ shelf: Shelf }>;
  let ended: number[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-rows-'));
    path = join(folder, 'rows.sock');
    ended = [];
    server = await serveObjects(path, {
      objects: () => ({ shelf: new Shelf() }),
      onClose: (id) => void ended.push(id),
    });
    client = await connectObjects(path);
  });

  afterEach(async () => {
    client.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('are called as if they were here', async () => {
    expect(await client.objects.shelf.find('a')).toBe('Ulysses');
    expect(await client.objects.shelf.find('b')).toBeUndefined();
    const shelf = await Promise.resolve(client.objects.shelf); // nothing takes it for a promise
    expect(await shelf.echo('zażółć 🛳')).toBe('zażółć 🛳');
  });

  it('see absent arguments as absent', async () => {
    expect(await client.objects.shelf.argumentsOf('x', undefined, 'z')).toEqual({ count: 3, absent: [1] });
  });

  it('answer many calls at once, each with its own result', async () => {
    const texts = Array.from({ length: 500 }, (_, i) => `${i}`.repeat(300));
    expect(await Promise.all(texts.map((text) => client.objects.shelf.echo(text)))).toEqual(texts);
  });

  it('pass megabytes in both directions without losing their place', async () => {
    const texts = Array.from({ length: 6 }, (_, i) => String(i).repeat(2 << 20));
    expect(await Promise.all(texts.map((text) => client.objects.shelf.echo(text)))).toEqual(texts);
  });

  it('complain with the same Problem', async () => {
    const error = await client.objects.shelf.lend().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'conflict', message: 'lent already', hint: 'Wait.' });
    expect((error as Problem).place?.file).toBe('shelf.txt');
  });

  it('say which call a bug was met in, and go on', async () => {
    await expect(client.objects.shelf.burn()).rejects.toThrow('shelf.burn: pages is undefined');
    const other = client.objects as unknown as { shelf: { constructor: () => Promise<void> }; attic: Shelf };
    await expect(other.attic.echo('x')).rejects.toThrow('no such method');
    await expect(other.shelf.constructor()).rejects.toThrow('no such method');
    expect(await client.objects.shelf.echo('still here')).toBe('still here');
  });

  it('reject what was under way when the owner goes, and everything after', async () => {
    const pending = client.objects.shelf.never();
    await client.objects.shelf.echo('sent behind it');
    await server.close();
    await expect(pending).rejects.toMatchObject({ code: 'unavailable' });
    await expect(client.objects.shelf.echo('x')).rejects.toMatchObject({ code: 'unavailable' });
    expect(client.closed.aborted).toBe(true);
    await expect(connectObjects(path)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('learn that their process has gone', async () => {
    const second = await connectObjects<{ shelf: Shelf }>(path);
    await second.objects.shelf.echo('x');
    second.close();
    await expect.poll(() => ended).toEqual([2]);
  });

  it('refuse a message that is too long, on this side, and go on', async () => {
    const text = 'x'.repeat(FRAME_BYTES);
    await expect(client.objects.shelf.echo(text)).rejects.toMatchObject({ code: 'invalid' });
    expect(await client.objects.shelf.echo('short')).toBe('short');
  });

  it('disconnect a peer that never ends its line or speaks something else', async () => {
    for (const bytes of [Buffer.alloc(FRAME_BYTES + 1, 'x'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
      const socket = connect(path);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined);
      socket.write(bytes);
      await closed;
    }
    expect(await client.objects.shelf.echo('others go on')).toBe('others go on');
  });

  it('are not read from a client that leaves its replies lying', async () => {
    const socket = connect(path).pause();
    const line = (id: number) =>
      `${JSON.stringify({ id, object: 'shelf', method: 'echo', args: { 0: 'x'.repeat(1 << 20) } })}\n`;
    let taken = 0;
    const send = () => {
      while (taken < 60) if (!socket.write(line(taken++))) return void socket.once('drain', send);
    };
    send();
    await setTimeout(300);
    expect(taken).toBeLessThan(25); // a megabyte each
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThan(60 << 20);
    socket.destroy();
  });

  it('can be reached by the same user alone', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('take the place of a socket that a dead server left', async () => {
    const left = await serveObjects(join(folder, 'left.sock'), { objects: () => ({}) });
    const again = await serveObjects(join(folder, 'left.sock'), { objects: () => ({ shelf: new Shelf() }) });
    const found = await connectObjects<{ shelf: Shelf }>(join(folder, 'left.sock'));
    expect(await found.objects.shelf.echo('x')).toBe('x');
    found.close();
    await again.close();
    await left.close();
  });
});
