import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DockerClient } from '../../src/cli/docker-client.ts';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { TmuxTerminal } from './docker-terminal/tmux.ts';
import { missingPrograms } from './registry-image.ts';
import { TestServer } from './server.ts';

const missing = await missingPrograms('runc', 'tmux');
const lacks = [
  ...(process.getuid?.() === 0 ? [] : [': needs root']),
  ...(hasBusybox ? [] : [': no /bin/busybox']),
  ...missing.map((name) => `: no ${name}`),
].join('');

describe.skipIf(lacks !== '')(`slipway shell${lacks}`, () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
    const context = join(server.folder, 'context');
    await mkdir(context);
    await copyFile('/bin/busybox', join(context, 'busybox'));
    await writeFile(join(context, 'two'), '2\n');
    await writeFile(
      join(context, 'Dockerfile'),
      [
        'FROM scratch',
        'COPY --chmod=755 busybox /bin/busybox',
        'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
        'COPY two /two',
        'USER 1000',
        'ENTRYPOINT ["/nothing"]',
        '',
      ].join('\n'),
    );
    await server.ok('build', '-t', 'app:1', '--network', 'none', context);
  });
  afterAll(() => server?.close());

  it('runs a program after each layer, with the settings of that moment', async () => {
    const look = async (image: string) =>
      (await server.ok('shell', image, '--', 'sh', '-c', 'ls -d /t* 2>/dev/null; id -u')).trim();
    expect(await look('app:1#2')).toBe('0');
    expect(await look('app:1#3')).toBe('/two\n0');
    expect(await look('app:1')).toBe('/two\n1000');
    const rows = JSON.parse(await server.ok('history', '--json', 'app:1')) as { digest?: string }[];
    const digest = rows.flatMap((row) => row.digest ?? [])[2] ?? '';
    expect(await look(digest)).toBe('/two\n0');
  });

  it('says in history how layers are entered', async () => {
    expect(await server.ok('history', 'app:1')).toContain('enter any of them: slipway shell app:1#3\n');
    expect(await server.ok('history', 'app:1#2')).toContain('enter any of them: slipway shell app:1#2\n');
  });

  it('passes input, both outputs and the exit code on where there is no terminal', async () => {
    const { code, stdout, stderr } = await server.cli(
      ['shell', 'app:1', '--', 'sh', '-c', 'cat; echo oh >&2; exit 7'],
      {
        input: 'typed\n',
      },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: 'typed\n', stderr: 'oh\n' });
  });

  it('is a real terminal: a prompt, Ctrl-C, the size of the window, the exit code', async () => {
    const command = [...server.program, '--data', server.data, 'shell', '-u', '0', 'app:1'];
    const terminal = await TmuxTerminal.start(command, { env: process.env, columns: 90 });
    try {
      await terminal.until(/[#$] $|[#$]$/);
      await terminal.type('stty size');
      await terminal.press('Enter');
      await terminal.until(/^40 90$/m);
      await terminal.resize(70, 30);
      await terminal.type('sleep 0.3; stty size');
      await terminal.press('Enter');
      await terminal.until(/^30 70$/m);
      await terminal.type('sleep 100');
      await terminal.press('Enter');
      await terminal.press('C-c');
      await terminal.type('exit 5');
      await terminal.press('Enter');
      expect(await terminal.exited()).toBe(5);
    } finally {
      await terminal.close();
    }
  });

  it('says what is wrong, and leaves no container behind', async () => {
    const failing = async (...args: string[]) => {
      const { code, stderr } = await server.cli(['shell', ...args]);
      return [code, stderr.trim()];
    };
    expect(await failing('app:1#9')).toEqual([1, expect.stringContaining('app:1 has no layer 9: it has 3')]);
    expect(await failing('app:1', '--', '/nosuch')).toEqual([1, expect.stringContaining('/nosuch')]);
    const docker = new DockerClient(join(server.data, 'docker.sock'));
    expect(await (await docker.send('GET', '/containers/json?all=1')).json()).toEqual([]);
    const { code, stderr } = await server.cli(['shell', 'app:1'], {
      env: { SLIPWAY_DATA: join(server.folder, 'none') },
    });
    expect([code, stderr]).toEqual([3, expect.stringContaining('slipway serve')]);
  });
});
