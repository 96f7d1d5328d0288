import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { whyNoContainers } from '../containers/machine.ts';
import { Client, KeptScope } from './kept-scope.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`the life of a container${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let scope: KeptScope;
  beforeAll(async () => {
    scope = await new KeptScope().open();
  });
  afterEach(async () => {
    for (const { id } of scope.containers.list()) await scope.containers.remove(id, { force: true });
    expect(scope.leases).toBe(0);
    expect([...scope.kept]).toEqual([]);
  });
  afterAll(async () => {
    await scope.close();
    expect(scope.leftovers()).toEqual([]);
    scope.machine.remove();
  });

  test('one that runs to its end gives its output and its exit code', async () => {
    const ran = await scope.run('echo out; echo err >&2; exit 7');
    expect(ran).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(scope.containers.get(ran.id).state).toMatchObject({ status: 'exited', exitCode: 7, pid: 0 });
    expect(await scope.logs(ran.id)).toContain('out\n');
    expect(scope.actions(ran.id)).toEqual([
      'container create',
      'container attach',
      'network connect',
      'container start',
      'container die',
      'network disconnect',
    ]);
  });

  test('one that is removed at its end is gone when the wait is answered, and all its output was sent', async () => {
    const ran = await scope.run('head -c 3000000 /dev/zero | tr "\\0" x', { autoRemove: true });
    expect(ran.stdout.length).toBe(3_000_000);
    expect(() => scope.containers.get(ran.id)).toThrow(`No such container: ${ran.id}`);
    expect(readdirSync(join(scope.folder, 'containers'))).toEqual([]);
  });

  test('a program that cannot be run is refused in docker’s words, with a shell’s exit codes', async () => {
    const missing = await scope.create(['nosuch']);
    await expect(scope.containers.start(missing)).rejects.toMatchObject({
      code: 'invalid',
      exitCode: 127,
      message:
        'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ' +
        'exec: "nosuch": executable file not found in $PATH: unknown',
    });
    expect(scope.containers.get(missing).state).toMatchObject({ status: 'created', exitCode: 127 });
    const denied = await scope.create(['/etc/passwd']);
    await expect(scope.containers.start(denied)).rejects.toMatchObject({ exitCode: 126 });
    const removed = await scope.create(['nosuch'], { autoRemove: true });
    await expect(scope.containers.start(removed)).rejects.toMatchObject({ exitCode: 127 });
    expect(() => scope.containers.get(removed)).toThrow('No such container');
  });

  test('start, stop, kill, pause and remove say in docker’s words what cannot be', async () => {
    const id = await scope.create('sleep 1000', { name: 'live' });
    const { containers } = scope;
    const not = (words: string) => ({ code: 'conflict', message: words });
    await expect(containers.kill(id)).rejects.toMatchObject(
      not(`Cannot kill container: live: Container ${id} is not running`),
    );
    await expect(containers.pause(id)).rejects.toMatchObject(not(`Container ${id} is not running`));
    await expect(containers.unpause(id)).rejects.toMatchObject(not(`Container ${id} is not paused`));
    expect(await containers.stop(id)).toEqual({ alreadyStopped: true });
    expect(await containers.start(id)).toEqual({ alreadyRunning: false });
    expect(await containers.start('live')).toEqual({ alreadyRunning: true });
    await expect(containers.remove(id)).rejects.toMatchObject(
      not(`You cannot remove a running container ${id}. Stop the container before attempting removal or force remove`),
    );
    await containers.pause(id);
    await expect(containers.pause(id)).rejects.toMatchObject(not(`Container ${id} is already paused`));
    await expect(containers.start(id)).rejects.toMatchObject(
      not('cannot start a paused container, try unpause instead'),
    );
    await containers.unpause(id);
    await expect(containers.kill(id, 'FOO')).rejects.toThrow('Invalid signal: FOO');
    await containers.kill(id);
    expect(containers.get(id).state).toMatchObject({ status: 'exited', exitCode: 137 });
  });

  test('stop asks first, and kills after its time', async () => {
    const polite = await scope.create('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done');
    const stubborn = await scope.create('trap "" TERM; echo up; while :; do sleep 0.05; done');
    for (const id of [polite, stubborn]) {
      await scope.containers.start(id);
      await expect.poll(() => scope.logs(id)).toContain('up');
    }
    expect(await scope.containers.stop(polite)).toEqual({ alreadyStopped: false });
    expect(scope.containers.get(polite).state.exitCode).toBe(3);
    expect(await scope.logs(polite)).toContain('bye');
    await scope.containers.stop(stubborn, 0.2);
    expect(scope.containers.get(stubborn).state.exitCode).toBe(137);
    await scope.containers.start(stubborn);
    await scope.containers.pause(stubborn);
    await scope.containers.stop(stubborn, 0.2);
    expect(scope.containers.get(stubborn).state.status).toBe('exited');
  });

  test('one that is started again keeps its files and its log', async () => {
    const id = await scope.create('echo x >> /count; wc -l < /count');
    for (let i = 0; i < 3; i++) {
      const end = scope.containers.wait(id, 'next-exit');
      await scope.containers.start(id);
      await end;
    }
    expect(await scope.logs(id)).toBe('1\n2\n3\n');
    expect(await scope.logs(id, { tail: 1 })).toBe('3\n');
  });

  test('a restart by hand is no end: it does not remove', async () => {
    const id = await scope.create('echo up; sleep 1000', { autoRemove: true });
    await scope.containers.start(id);
    await expect.poll(() => scope.logs(id)).toBe('up\n');
    await scope.containers.restart(id, 0);
    expect(scope.containers.get(id).state.status).toBe('running');
    await expect.poll(() => scope.logs(id)).toBe('up\nup\n');
    const gone = scope.containers.wait(id, 'removed');
    await scope.containers.stop(id, 0);
    expect(await gone).toEqual({ code: 137 });
  });

  test('waits come true when they should', async () => {
    const id = await scope.create('exit 4');
    expect(await scope.containers.wait(id, 'not-running')).toEqual({ code: 0 });
    const next = scope.containers.wait(id, 'next-exit');
    const removed = scope.containers.wait(id, 'removed');
    await scope.containers.start(id);
    expect(await next).toEqual({ code: 4 });
    expect(await scope.containers.wait(id, 'not-running')).toEqual({ code: 4 });
    await scope.containers.remove(id);
    expect(await removed).toEqual({ code: 4 });
    await expect(scope.containers.wait(id, 'removed')).rejects.toThrow(`No such container: ${id}`);
  });

  test('its policy starts it again, so often as it says', async () => {
    const id = await scope.create('echo run; exit 1', { restart: { policy: 'on-failure', retries: 2 } });
    await scope.containers.start(id);
    await expect
      .poll(() => scope.containers.get(id).state, { timeout: 20_000 })
      .toMatchObject({
        status: 'exited',
        restarts: 2,
        exitCode: 1,
      });
    expect(await scope.logs(id)).toBe('run\nrun\nrun\n');
    const always = await scope.create('sleep 0.01', { restart: { policy: 'always', retries: 0 } });
    await scope.containers.start(always);
    await expect.poll(() => scope.containers.get(always).state.restarts, { timeout: 20_000 }).toBeGreaterThan(1);
    await scope.containers.stop(always, 0);
    const { restarts } = scope.containers.get(always).state;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(scope.containers.get(always).state).toMatchObject({ status: 'exited', restarts });
  });

  test('names are found, taken, given up and changed', async () => {
    const one = await scope.create('true', { name: 'one' });
    await expect(scope.create('true', { name: 'one' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(scope.create('true', { name: 'two', image: 'nope' })).rejects.toThrow('No such image: nope:latest');
    const two = await scope.create('true', { name: 'two' });
    await expect(scope.containers.rename('two', 'one')).rejects.toThrow(
      `Error when allocating new name: Conflict. The container name "/one" is already in use by container "${one}"`,
    );
    await scope.containers.rename('two', 'three');
    expect(scope.containers.get('three').id).toBe(two);
    expect(scope.containers.get(two.slice(0, 12)).name).toBe('three');
    expect(await scope.create('true', { name: 'two' })).toMatch(/^[0-9a-f]{64}$/);
    const unnamed = await scope.create('true');
    expect(scope.containers.get(unnamed).name).toMatch(/^[a-z]+_[a-z]+$/);
  });

  test('programs find the host’s name, a home and a terminal', async () => {
    const { id, stdout } = await scope.run('env | sort');
    expect(stdout).toContain(`HOSTNAME=${id.slice(0, 12)}\n`);
    expect(stdout).toContain('HOME=/root\n');
    const client = new Client({ framed: false });
    const terminal = await scope.create('test -t 0 && echo $TERM', { terminal: true });
    const attached = client.attach(scope.containers, terminal);
    await scope.containers.start(terminal);
    await attached;
    expect(client.stdout()).toBe('xterm\r\n');
  });

  test('the number of containers has a bound', async () => {
    const bounded = await new KeptScope().open({ maxContainers: 1 });
    await bounded.create('true');
    await expect(bounded.create('true')).rejects.toMatchObject({ code: 'exhausted' });
    await bounded.close({ drop: true });
    expect(bounded.containers.list()).toEqual([]);
    bounded.machine.remove();
  });

  test('a hundred of them leave nothing behind', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    await scope.run('true', { autoRemove: true });
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          const { code } = await scope.run('echo $$; exit 5', { autoRemove: i % 2 === 0 });
          expect(code).toBe(5);
        }),
      );
    }
    for (const { id } of scope.containers.list()) await scope.containers.remove(id);
    expect(readdirSync(join(scope.folder, 'containers'))).toEqual([]);
    expect(descriptors()).toBeLessThanOrEqual(before + 2);
    expect(scope.leftovers()).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(scope.machine.folder);
    expect(existsSync(join(scope.machine.folder, 'run'))).toBe(true);
  });
});
