import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { whyNoContainers } from '../containers/machine.ts';
import { Client, KeptScope, NEVER, unframed } from './kept-scope.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`clients of a container${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let scope: KeptScope;
  beforeAll(async () => {
    scope = await new KeptScope().open();
  });
  afterEach(async () => {
    for (const { id } of scope.containers.list()) await scope.containers.remove(id, { force: true });
  });
  afterAll(async () => {
    await scope.close();
    expect(scope.leftovers()).toEqual([]);
    scope.machine.remove();
  });

  test('what a client sends goes in, and the end of it ends the input', async () => {
    const id = await scope.create('cat; echo done', { openStdin: true, stdinOnce: true });
    const client = new Client();
    const attached = client.attach(scope.containers, id, { stdin: true });
    client.far.write('before the start\n');
    await scope.containers.start(id);
    client.far.end('after it\n');
    await attached;
    expect(client.stdout()).toBe('before the start\nafter it\ndone\n');
  });

  test('input of a megabyte goes through, with back pressure both ways', async () => {
    const id = await scope.create('cat', { openStdin: true, stdinOnce: true });
    const client = new Client();
    const attached = client.attach(scope.containers, id, { stdin: true });
    await scope.containers.start(id);
    const text = 'line of input\n'.repeat(300_000);
    client.far.end(text);
    await attached;
    expect(client.stdout().length).toBe(text.length);
  });

  test('one that can be attached to again keeps its input when a client leaves', async () => {
    const id = await scope.create('while read x; do echo got $x; done', { openStdin: true });
    await scope.containers.start(id);
    const first = new Client();
    const leaving = first.attach(scope.containers, id, { stdin: true });
    first.far.write('one\n');
    await expect.poll(() => first.stdout()).toBe('got one\n');
    first.far.end();
    await leaving;
    const second = new Client();
    const attached = second.attach(scope.containers, id, { stdin: true, replay: true });
    second.far.write('two\n');
    await expect.poll(() => second.stdout()).toBe('got one\ngot two\n');
    await scope.containers.kill(id);
    await attached;
  });

  test('many clients see the same, each the streams that it asked for', async () => {
    const id = await scope.create('echo out; echo err >&2');
    const clients = [new Client(), new Client(), new Client()];
    const attached = clients.map((client, i) =>
      client.attach(scope.containers, id, { stdout: i !== 1, stderr: i !== 2 }),
    );
    await scope.containers.start(id);
    await Promise.all(attached);
    expect(clients.map((client) => [client.stdout(), client.stderr()])).toEqual([
      ['out\n', 'err\n'],
      ['', 'err\n'],
      ['out\n', ''],
    ]);
  });

  test('detach keys leave it running; what follows them is not typed', async () => {
    const id = await scope.create('stty -echo; echo ready; while read x; do echo got $x; done', {
      terminal: true,
      openStdin: true,
    });
    const client = new Client({ framed: false });
    const attached = client.attach(scope.containers, id, { stdin: true });
    await scope.containers.start(id);
    await expect.poll(() => client.stdout()).toContain('ready');
    client.far.write('one\n\x10\x11two\n');
    await attached;
    expect(scope.containers.get(id).state.status).toBe('running');
    expect(scope.actions(id)).toContain('container detach');
    await expect.poll(() => scope.containers.get(id).state.status).toBe('running');
    const other = new Client({ framed: false });
    const again = other.attach(scope.containers, id, { stdin: true, replay: true, detachKeys: 'x' });
    await expect.poll(() => other.stdout()).toContain('got one');
    expect(other.stdout()).not.toContain('two');
    other.far.write('x');
    await again;
    await expect(new Client().attach(scope.containers, id, { detachKeys: 'bogus' })).rejects.toThrow('Invalid detach');
  });

  test('a terminal has the size that somebody gives it', async () => {
    const id = await scope.create('trap "stty size" WINCH; echo up; while :; do sleep 0.05; done', { terminal: true });
    await scope.containers.start(id);
    await expect.poll(() => scope.containers.get(id).state.pid).toBeGreaterThan(0);
    scope.containers.resize(id, { rows: 33, columns: 101 });
    const seen = async () => {
      const parts: Buffer[] = [];
      const options = { stdout: true, stderr: true, follow: false, timestamps: false };
      for await (const part of scope.containers.logs(id, options, NEVER)) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    await expect
      .poll(async () => {
        scope.containers.resize(id, { rows: 33, columns: 100 });
        scope.containers.resize(id, { rows: 33, columns: 101 });
        return await seen();
      })
      .toContain('33 101');
  });

  test('a client that is gone does not stop it, nor one that takes nothing', async () => {
    const id = await scope.create('yes | head -c 5000000; echo end >&2');
    const [gone, still] = [new Client(), new Client({ reads: false })];
    const attached = [gone, still].map((client) => client.attach(scope.containers, id));
    const end = scope.containers.wait(id, 'next-exit');
    await scope.containers.start(id);
    gone.far.destroy();
    gone.socket.destroy();
    await attached[0];
    setTimeout(() => still.far.on('data', (chunk: Buffer) => still.received.push(chunk)), 300);
    expect(await end).toEqual({ code: 0 });
    await attached[1];
    expect([still.stdout().length, still.stderr()]).toEqual([5_000_000, 'end\n']);
  });

  test('one that is removed at its end waits for a slow client to have all of it', async () => {
    const id = await scope.create('yes | head -c 900000', { autoRemove: true });
    const client = new Client({ reads: false });
    const attached = client.attach(scope.containers, id);
    const removed = scope.containers.wait(id, 'removed');
    await scope.containers.start(id);
    await expect.poll(() => scope.containers.get(id).state.status).toBe('exited');
    client.far.on('data', (chunk: Buffer) => client.received.push(chunk));
    await attached;
    await removed;
    expect(client.stdout().length).toBe(900_000);
  });

  test('whoever follows the log sees it end with the run', async () => {
    const id = await scope.create('echo one; sleep 0.3; echo two');
    await scope.containers.start(id);
    expect(await scope.logs(id, { follow: true })).toBe('one\ntwo\n');
    expect(await scope.logs(id, { follow: true, tail: 1 })).toBe('two\n');
    const until = Date.now() + 300;
    const sleeping = await scope.create('echo early; sleep 1000');
    await scope.containers.start(sleeping);
    expect(await scope.logs(sleeping, { follow: true, until: until + 1000 })).toBe('early\n');
  });
});

describe.skipIf(why !== undefined)(`processes that come later${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let scope: KeptScope;
  let id: string;
  beforeAll(async () => {
    scope = await new KeptScope().open();
    id = await scope.create('sleep 1000', { name: 'live', env: ['FROM=container'] });
    await scope.containers.start(id);
  });
  afterAll(async () => {
    await scope.close();
    expect(scope.leftovers()).toEqual([]);
    scope.machine.remove();
  });

  const plain = {
    env: [],
    terminal: false,
    stdin: false,
    stdout: true,
    stderr: true,
    privileged: false,
  };

  async function exec(args: string[], changes: object = {}): Promise<{ code: number | undefined; bytes: Buffer }> {
    const exec = await scope.containers.execs.create(id, { ...plain, args, ...changes });
    const client = new Client();
    await scope.containers.execs.start(exec, undefined, client.asked({ stdin: true }), NEVER);
    await expect.poll(() => scope.containers.execs.get(exec).running).toBe(false);
    return { code: scope.containers.execs.get(exec).exitCode, bytes: Buffer.concat(client.received) };
  }

  test('give their output and their exit code', async () => {
    const { code, bytes } = await exec(['sh', '-c', 'echo $FROM $NEW; echo e >&2; exit 9'], { env: ['NEW=exec'] });
    expect(code).toBe(9);
    expect(unframed(bytes)).toMatchObject({ stdout: 'container exec\n', stderr: 'e\n' });
    expect(await scope.logs(id)).toBe('');
  });

  test('read what a client sends, to its end', async () => {
    const exec = await scope.containers.execs.create(id, { ...plain, args: ['cat'], stdin: true });
    const client = new Client();
    const ended = scope.containers.execs.start(exec, undefined, client.asked({ stdin: true }), NEVER);
    client.far.end('typed');
    await ended;
    expect(client.stdout()).toBe('typed');
  });

  test('say in the stream why they could not be run', async () => {
    const missing = await exec(['nosuch']);
    expect(missing.code).toBe(127);
    expect(unframed(missing.bytes).stdout).toBe(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not ' +
        'found in $PATH: unknown\r\n',
    );
    expect((await exec(['/etc/passwd'])).code).toBe(126);
    const nobody = await exec(['true'], { user: 'zz' });
    expect([nobody.code, unframed(nobody.bytes).stdout]).toEqual([
      126,
      'unable to find user zz: no matching entries in passwd file\r\n',
    ]);
  });

  test('run without a client; that they cannot is thrown then', async () => {
    const { execs } = scope.containers;
    const touch = await execs.create(id, { ...plain, args: ['touch', '/made'] });
    await execs.start(touch, undefined, undefined, NEVER);
    await expect.poll(() => execs.get(touch)).toMatchObject({ running: false, exitCode: 0 });
    expect(await scope.containers.changes(id)).toEqual([{ path: '/made', kind: 'added' }]);
    const missing = await execs.create(id, { ...plain, args: ['nosuch'] });
    await expect(execs.start(missing, undefined, undefined, NEVER)).rejects.toThrow('OCI runtime exec failed');
    await expect(execs.start(missing, undefined, undefined, NEVER)).rejects.toThrow('has already run');
  });

  test('a client that takes nothing keeps no container from ending', async () => {
    const { containers } = scope;
    const other = await scope.create('sleep 1000');
    await containers.start(other);
    const exec = await containers.execs.create(other, { ...plain, args: ['sh', '-c', 'yes | head -c 9000000'] });
    const client = new Client({ reads: false });
    const ended = containers.execs.start(exec, undefined, client.asked(), NEVER);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(containers.execs.get(exec).running).toBe(true);
    await containers.remove(other, { force: true });
    await ended;
  });

  test('a client that is gone leaves them running', async () => {
    const { execs } = scope.containers;
    const exec = await execs.create(id, { ...plain, args: ['sh', '-c', 'sleep 0.3; yes | head -c 1000000'] });
    const client = new Client();
    const ended = execs.start(exec, undefined, client.asked(), NEVER);
    client.socket.destroy();
    await ended;
    await expect.poll(() => execs.get(exec)).toMatchObject({ running: false, exitCode: 0 });
  });

  test('are refused where they cannot be', async () => {
    const { containers } = scope;
    await expect(containers.execs.create(id, { ...plain, args: [] })).rejects.toThrow('No exec command specified');
    expect(() => containers.execs.get('nosuch')).toThrow('No such exec instance: nosuch');
    const stopped = await scope.create('true');
    await expect(containers.execs.create(stopped, { ...plain, args: ['true'] })).rejects.toMatchObject({
      code: 'conflict',
      message: `Container ${stopped} is not running`,
    });
    await containers.pause(id);
    await expect(containers.execs.create('live', { ...plain, args: ['true'] })).rejects.toThrow(
      'Container live is paused, unpause the container before exec',
    );
    await containers.unpause(id);
  });

  test('top and stats see what runs', async () => {
    const { containers } = scope;
    const pids = await containers.processes(id);
    expect(pids).toContain(containers.get(id).state.pid);
    expect((await containers.usage(id)).memoryBytes).toBeGreaterThan(0);
  });
});
