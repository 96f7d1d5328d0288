import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandOf, TestServer } from '../../wire/server.ts';

const DOCKERFILE = 'FROM scratch\nLABEL from=stdin\n';

/** `slipway build -`, as `cat context.tar | slipway build -` has it. */
describe('a build from standard input', () => {
  let server: TestServer;
  let child: ChildProcess | undefined;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(() => server?.close());

  const archive = async (files: Record<string, string>) => {
    const out = pack();
    for (const [name, text] of Object.entries(files)) out.entry({ name }, text);
    out.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of out) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const spooled = async () => (await readdir(join(server.data, 'builds'))).filter((name) => name.endsWith('.tar'));

  /** A command that has read the begin of an archive and waits for more. */
  const waiting = async () => {
    const env = { ...process.env, SLIPWAY_DATA: server.data };
    const [program = '', ...args] = commandOf('sources');
    child = spawn(program, [...args, 'build', '-', '-t', 'never'], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    const head = (await archive({ Dockerfile: DOCKERFILE })).subarray(0, 1024);
    child.stdin?.write(head);
    await expect.poll(spooled, { timeout: 30_000 }).toHaveLength(1);
    return { child, ended: once(child, 'exit') };
  };

  it('takes a Dockerfile, which has no files to copy', async () => {
    const { code, stderr } = await server.cli(['build', '-', '-t', 'text'], { input: DOCKERFILE });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const copies = await server.cli(['build', '-'], { input: 'FROM scratch\nCOPY a /a\n' });
    expect(copies.code).toBe(1);
    expect(copies.stderr).toContain('file does not exist');
  });

  it('takes an archive, packed or not, and leaves nothing of it', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY a /a\n', 'other.Dockerfile': DOCKERFILE, a: 'one' };
    const path = join(server.folder, 'context.tar');
    await writeFile(path, await archive(files));
    const build = (...args: string[]) =>
      server.client('sh', ['-c', `${args[0]} ${path} | ${commandOf('sources').join(' ')} build - ${args[1]}`], {
        env: { SLIPWAY_DATA: server.data },
      });
    for (const [tag, args] of [
      ['plain', ['cat', '-t plain']],
      ['packed', ['gzip -c', '-t packed']],
      ['other', ['cat', '-t other -f other.Dockerfile']],
    ] as const) {
      const { code, stderr } = await build(...args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(await server.ok('images')).toMatch(new RegExp(`\\b${tag}\\b`));
    }
    expect(await spooled()).toEqual([]);
  });

  it('leaves no archive when the command is killed: the next server removes it', async () => {
    const { child, ended } = await waiting();
    child.kill('SIGKILL');
    await ended;
    expect(await spooled()).toHaveLength(1);
    await server.kill();
    await server.restart();
    expect(await spooled()).toEqual([]);
  });

  it('keeps the archive of a command that goes on while a server starts', async () => {
    const { child, ended } = await waiting();
    await server.kill();
    await server.restart();
    expect(await spooled()).toHaveLength(1);
    child.stdin?.end(Buffer.alloc(1024));
    expect((await ended)[0]).toBe(0);
    expect(await spooled()).toEqual([]);
  });

  it('leaves no archive when the server is killed while it builds', async () => {
    const asked = new EventEmitter();
    const silent = createServer(() => void asked.emit('request')).listen(0, '127.0.0.1');
    try {
      await once(silent, 'listening');
      const { port } = silent.address() as AddressInfo;
      const building = once(asked, 'request');
      const input = await archive({ Dockerfile: `FROM scratch\nADD http://127.0.0.1:${port}/x /x\n` });
      const ended = server.cli(['build', '-'], { input: input.toString() });
      await building;
      expect(await spooled()).toHaveLength(1);
      await server.kill();
      expect((await ended).code).not.toBe(0);
      expect(await spooled()).toEqual([]);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
    await server.restart();
  });
});
