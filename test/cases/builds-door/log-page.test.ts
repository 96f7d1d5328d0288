import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { LogLinks } from '../../../src/doors/console/log-links.ts';
import { logPageHandler } from '../../../src/doors/console/log-page.ts';
import { openBench } from '../build-log/build-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let server: Server;
let links: LogLinks;
beforeEach(async () => {
  bench = await openBench();
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  links = new LogLinks(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, randomBytes(32));
  const authenticator = { verify: async () => undefined };
  server.on(
    'request',
    logPageHandler({ authenticator, requireToken: true, records: bench.records, logs: bench.logs, links }),
  );
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bench.close();
});

const HOSTILE = '</script><script>alert(1)</script>';

describe('the log page', () => {
  it('opens by its link alone, and by no other key', async () => {
    const { id } = await bench.submit({ steps: [{ name: 'busybox', args: ['say', 'x'] }] });
    const { id: other } = await bench.submit({ steps: [{ name: 'busybox' }] });
    expect((await fetch(links.url(id))).status).toBe(200);
    expect((await fetch(links.url(id).replace(/key=.*/, ''))).status).toBe(403);
    expect((await fetch(links.url(other).replace(other, id))).status).toBe(403);
    expect(
      (
        await fetch(
          links
            .url(id)
            .replace('?', '/log?')
            .replace(/key=.*/, 'key=x'),
        )
      ).status,
    ).toBe(403);
  });

  it('lets no text of a build become markup', async () => {
    const { id } = await bench.submit({ steps: [{ id: HOSTILE, name: 'busybox', args: ['say', 'x'] }] });
    const answer = await fetch(links.url(id));
    expect(await answer.text()).not.toContain('<script>alert');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('streams log and status while the build runs, to the end, and goes on where a reader was', async () => {
    const build = await bench.submit({ steps: [{ name: 'busybox', args: ['say', HOSTILE] }] });
    const stream = fetch(links.url(build.id).replace('?', '/log?from=0&')).then((answer) => answer.text());
    await runBuild(build, bench.deps, new AbortController().signal);
    const text = await stream;
    const log = (body: string) =>
      [...body.matchAll(/event: log\nid: (\d+)\ndata: (.*)\n/g)].map(([, , data]) => JSON.parse(data ?? '""')).join('');
    expect(log(text)).toBe(await bench.logOf(build.id));
    expect(text).toMatch(/event: status\ndata: .*"SUCCESS"/);
    expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(true);
    const from = (await bench.logOf(build.id))?.indexOf('PUSH\n') ?? 0;
    const rest = await fetch(links.url(build.id).replace('?', '/log?from=0&'), {
      headers: { 'last-event-id': String(from) },
    });
    expect(log(await rest.text())).toBe('PUSH\nDONE\n');
  });

  it('ends for a build that never had a log', async () => {
    const build = await bench.submit({ steps: [{ name: 'busybox' }] });
    await bench.records.update(build.id, ['QUEUED'], { status: 'CANCELLED' });
    expect(await (await fetch(links.url(build.id).replace('?', '/log?from=0&'))).text()).toContain('event: end');
  });

  it('cuts the stream when the log cannot be read, and the server lives on', async () => {
    const build = await bench.submit({ steps: [{ name: 'busybox' }] });
    const follow = (): AsyncIterable<Buffer> => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('the disk is broken')) }),
    });
    const authenticator = { verify: async () => undefined };
    const logs = { info: (id: string) => bench.logs.info(id), read: async () => Buffer.alloc(0), follow };
    server.removeAllListeners('request');
    server.on('request', logPageHandler({ authenticator, requireToken: true, records: bench.records, logs, links }));
    const stream = fetch(links.url(build.id).replace('?', '/log?from=0&')).then((answer) => answer.text());
    // the build still waits: nothing but the broken log ends the stream, and nothing of it is left unhandled
    await expect(stream).rejects.toThrow();
    expect((await fetch(links.url(build.id))).status).toBe(200);
  });
});
