import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { exec, Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();
vi.setConfig({ testTimeout: 20_000 });
const terminal = { rows: 33, columns: 101 };

describe.skipIf(why !== undefined)(`containers that go on${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
  });
  afterEach(() => expect(machine.leftovers()).toEqual([]));
  afterAll(() => machine.remove());

  test('what is written comes out, and the end of the input ends cat', async () => {
    const cat = await machine.start('cat; echo done', {}, { stdin: true });
    await cat.it.write(Buffer.from('one\n'));
    await expect.poll(cat.stdout).toBe('one\n');
    await cat.it.write(Buffer.from('two\n'));
    cat.it.endInput();
    expect(await cat.it.exited).toEqual({ code: 0, outOfMemory: false });
    expect(cat.stdout()).toBe('one\ntwo\ndone\n');
    await cat.it.write(Buffer.from('too late'));
    await cat.it.signal('KILL');
  });

  test('a writer waits for a reader that is slow, and all arrives', async () => {
    const slow = await machine.start('sleep 1; wc -c', {}, { stdin: true });
    const chunk = Buffer.alloc(64 << 10, 'x');
    let written = 0;
    const writing = (async () => {
      for (; written < 64; written++) await slow.it.write(chunk);
      slow.it.endInput();
    })();
    await sleep(500);
    expect(written).toBeLessThan(64);
    await writing;
    await slow.it.exited;
    expect(slow.stdout().trim()).toBe(String(64 * chunk.length));
  });

  test('whoever takes output may hold it back, and the container waits', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let bytes = 0;
    const onStdout = (chunk: Buffer) => {
      bytes += chunk.length;
      return held;
    };
    const loud = await machine.start('dd if=/dev/zero bs=65536 count=64 2> /dev/null', {}, { onStdout });
    await sleep(500);
    expect(bytes).toBeLessThan(1 << 20);
    release();
    await loud.it.exited;
    expect(bytes).toBe(4 << 20);
  });

  test('without an input there is nothing to read', async () => {
    const done = await machine.start('wc -c');
    await done.it.exited;
    expect(done.stdout().trim()).toBe('0');
  });

  test('a terminal has its size from the first moment and takes a new one', async () => {
    const shell = await machine.start(
      'stty size; tty; trap "stty size" WINCH; echo $TERM; while true; do sleep 0.1; done',
      {},
      { terminal },
    );
    await expect.poll(shell.stdout).toBe('33 101\r\n/dev/pts/0\r\nxterm\r\n');
    shell.it.resize({ rows: 40, columns: 80 });
    await expect.poll(shell.stdout).toMatch(/40 80\r\n$/);
    await shell.it.signal('KILL');
    expect(await shell.it.exited).toEqual({ code: 137, outOfMemory: false });
  });

  test('on a terminal ^C interrupts the program, ^Z stops it, ^D ends the shell', async () => {
    const shell = await machine.start('', { args: ['sh', '-i'] }, { stdin: true, terminal });
    const type = (text: string) => shell.it.write(Buffer.from(text));
    await type('sleep 100; echo code $?\r');
    await sleep(300);
    await type('\x03');
    await expect.poll(shell.stdout).toMatch(/\^C\r\n/);
    await type('sleep 100\r');
    await sleep(300);
    await type('\x1a');
    await expect.poll(shell.stdout).toMatch(/Stopped/);
    await type('kill -9 %1; sleep 0.2; (exit 7)\r');
    await sleep(500);
    await type('\x04');
    expect((await shell.it.exited).code).toBe(7);
  });

  test('all that was written to a terminal arrives, also at the end', async () => {
    const loud = await machine.start('seq 100000', {}, { terminal });
    await loud.it.exited;
    expect(loud.stdout().length).toBe(688_895);
    expect(loud.stdout().endsWith('\r\n99999\r\n100000\r\n')).toBe(true);
  });

  test.each([false, true])(
    'a program that is not there is 127, one that can not be run 126 (terminal: %s)',
    async (tty) => {
      const io = tty ? { terminal } : {};
      const heard: string[] = [];
      const onStdout = (chunk: Buffer) => void heard.push(chunk.toString());
      const missing = machine.start('', { args: ['nosuch'] }, { ...io, onStdout, onStderr: onStdout });
      await expect(missing).rejects.toMatchObject({
        code: 'invalid',
        exitCode: 127,
        message: /"nosuch": executable file not found/,
      });
      const folder = machine.start('', { args: ['/etc'] }, { ...io, onStdout, onStderr: onStdout });
      await expect(folder).rejects.toMatchObject({ code: 'invalid', exitCode: 126, message: /permission denied/ });
      expect(heard).toEqual([]);
    },
  );

  test('one that ends at once has started', async () => {
    const done = await machine.start('exit 3');
    expect((await done.it.exited).code).toBe(3);
  });

  test('signals reach process 1 by name and number', async () => {
    const script = 'trap "echo hup" HUP; trap "echo usr; exit 9" USR1; echo ready; while true; do sleep 0.05; done';
    const shell = await machine.start(script);
    await expect.poll(shell.stdout).toBe('ready\n');
    await shell.it.signal('SIGHUP');
    await expect.poll(shell.stdout).toBe('ready\nhup\n');
    await expect(shell.it.signal('NOSUCH')).rejects.toMatchObject({
      code: 'invalid',
      message: 'Invalid signal: NOSUCH',
    });
    await shell.it.signal('10');
    expect((await shell.it.exited).code).toBe(9);
  });

  test('its processes are known by the numbers of this machine', async () => {
    const shell = await machine.start('sleep 61 & sleep 62; wait');
    await expect.poll(async () => (await shell.it.processes()).length).toBe(3);
    const pids = await shell.it.processes();
    expect(pids).toContain(shell.it.pid);
    for (const pid of pids) process.kill(pid, 0);
    await shell.it.signal('KILL');
    await shell.it.exited;
    expect(await shell.it.processes()).toEqual([]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  test('an aborted one is killed, a paused one too, and so is what came by exec', async () => {
    const end = new AbortController();
    const shell = await machine.start('sleep 63', {}, {}, end.signal);
    const second = await exec(shell.it, ['sleep', '64']);
    await shell.it.pause();
    end.abort();
    await expect(shell.it.exited).rejects.toMatchObject({ code: 'cancelled' });
    expect((await second.it.exited).code).toBe(137);
    expect(() => shell.it.rootfs).toThrow(/not running/);
    await expect(shell.it.pause()).rejects.toMatchObject({ code: 'conflict' });
  });

  test('paused, it does nothing; resumed, it goes on', async () => {
    const counting = await machine.start('for i in $(seq 1000); do echo $i; sleep 0.02; done');
    await expect.poll(counting.stdout).toMatch(/5\n/);
    await counting.it.pause();
    await sleep(100);
    const before = counting.stdout();
    await sleep(300);
    expect(counting.stdout()).toBe(before);
    await counting.it.unpause();
    await expect.poll(() => counting.stdout().length).toBeGreaterThan(before.length);
    await counting.it.signal('KILL');
    await counting.it.exited;
  });

  test('usage is counted and limits can be changed', async () => {
    const limits = { memoryBytes: 64 << 20, pids: 50 };
    const shell = await machine.start('head -c 20000000 /dev/zero | tail -c 1 > /dev/null; sleep 65', { limits });
    await expect.poll(async () => (await shell.it.usage()).cpuNanoseconds).toBeGreaterThan(1e6);
    const usage = await shell.it.usage();
    expect(usage).toMatchObject({
      memoryLimitBytes: 64 << 20,
      pids: expect.any(Number),
      receivedBytes: 0,
      sentBytes: 0,
    });
    expect(usage.memoryBytes).toBeGreaterThan(4096);
    await shell.it.update({ memoryBytes: 96 << 20 });
    expect((await shell.it.usage()).memoryLimitBytes).toBe(96 << 20);
    await shell.it.signal('KILL');
    await shell.it.exited;
  });

  test('50 starts leave no descriptor, process, mount, link or group behind', async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    await (await machine.start('true', {}, { terminal })).it.exited;
    const before = open();
    for (let round = 0; round < 17; round++) {
      const all = await Promise.all([
        machine.start('true'),
        machine.start('true', {}, { terminal }),
        machine.start('cat', {}, { stdin: true }),
      ]);
      all[2]?.it.endInput();
      await Promise.all(all.map(({ it }) => it.exited));
    }
    await expect.poll(open).toBeLessThanOrEqual(before);
    expect(readdirSync('/proc').filter((name) => isOurs(name, machine.folder))).toEqual([]);
  });
});

describe.skipIf(why !== undefined)(
  `a second process in a container${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    let machine: Machine;
    beforeAll(() => {
      machine = new Machine();
    });
    afterAll(() => machine.remove());

    test('has its streams, user, folder, environment and exit code', async () => {
      const shell = await machine.start('sleep 66', { env: ['OF=container', 'BOTH=1'] });
      const changes = { env: ['BOTH=2', 'X=y'], cwd: '/etc', user: 'app' };
      const script = 'echo $OF $BOTH $X $HOME; pwd; id -u; ps | grep -c "sleep 6[6]"; cat; echo err >&2; exit 4';
      const second = await exec(shell.it, ['sh', '-c', script], changes, { stdin: true });
      await second.it.write(Buffer.from('input\n'));
      second.it.endInput();
      expect((await second.it.exited).code).toBe(4);
      expect(second.stdout()).toBe('container 2 y /home/app\n/etc\n1000\n1\ninput\n');
      expect(second.stderr()).toBe('err\n');
      await shell.it.signal('KILL');
      await shell.it.exited;
      await expect(exec(shell.it, ['true'])).rejects.toMatchObject({ code: 'conflict', message: /is not running/ });
    });

    test('has a terminal of its own, and its own signals', async () => {
      const shell = await machine.start('sleep 67');
      const second = await exec(shell.it, ['sh', '-c', 'stty size; tty; sleep 100'], {}, { terminal, stdin: true });
      await expect.poll(second.stdout).toBe('33 101\r\n/dev/pts/0\r\n');
      await second.it.write(Buffer.from('\x03'));
      expect((await second.it.exited).code).toBe(130);
      const third = await exec(shell.it, ['sleep', '68']);
      await third.it.signal('TERM');
      expect((await third.it.exited).code).toBe(143);
      await shell.it.signal('KILL');
      await shell.it.exited;
    });

    test.each([false, true])('refuses in the words and codes of docker (terminal: %s)', async (tty) => {
      const shell = await machine.start('sleep 69');
      const io = tty ? { terminal } : {};
      const missing = exec(shell.it, ['nosuch'], {}, io);
      await expect(missing).rejects.toMatchObject({
        code: 'invalid',
        exitCode: 127,
        message: /"nosuch": executable file not found/,
      });
      await expect(exec(shell.it, ['/etc'], {}, io)).rejects.toMatchObject({ exitCode: 126 });
      await expect(exec(shell.it, ['true'], { user: 'nobody-here' }, io)).rejects.toMatchObject({
        code: 'invalid',
        message: /unable to find user/,
      });
      await shell.it.signal('KILL');
      await shell.it.exited;
      expect(machine.leftovers()).toEqual([]);
    });
  },
);

/** Whether a process's command names the folder. */
function isOurs(pid: string, folder: string): boolean {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
  } catch {
    return false; // it ended meanwhile
  }
}
