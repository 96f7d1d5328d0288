import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`ends of containers${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
  });
  afterEach(() => expect(machine.leftovers()).toEqual([]));
  afterAll(() => machine.remove());

  test('too much memory is killed and told apart from other kills', async () => {
    const done = await machine.run('tail -c 200m /dev/zero', { limits: { memoryBytes: 32 << 20 } });
    expect(done.outOfMemory).toBe(true);
    expect(done.code).not.toBe(0);
    expect(await machine.run("sh -c 'kill -9 $$'", { limits: { memoryBytes: 32 << 20 } })).toMatchObject({
      outOfMemory: false,
    });
  });

  test('processes are limited', async () => {
    const done = await machine.run('for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait', { limits: { pids: 5 } });
    expect(done.stderr).toMatch(/can't fork/);
  });

  test('a runtime bounds the processes of containers that name no limit, and lets them name a higher one', async () => {
    const bounded = new Machine({ maxProcesses: 5 });
    const forking = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait';
    try {
      expect((await bounded.run(forking)).stderr).toMatch(/can't fork/);
      expect((await bounded.run(forking, { limits: { pids: 50 } })).code).toBe(0);
      expect(bounded.leftovers()).toEqual([]);
    } finally {
      bounded.remove();
    }
  });

  test('cancelling kills the whole tree, daemons in sessions of their own too', async () => {
    const marker = `${4_000_000 + Math.floor(Math.random() * 1e6)}`;
    const cancel = new AbortController();
    let started = () => {};
    const ready = new Promise<void>((resolve) => {
      started = resolve;
    });
    const spec = machine.spec(
      `setsid sh -c 'setsid sleep ${marker} & sleep ${marker}' & trap "" TERM INT; echo ready; sleep ${marker}`,
    );
    const running = machine.runtime.run(spec, {
      onStdout: () => started(),
      onStderr: () => undefined,
      signal: cancel.signal,
    });
    running.catch(() => undefined);
    await ready;
    await expect.poll(() => processesWith(marker)).toBeGreaterThanOrEqual(3);
    const before = Date.now();
    cancel.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(Date.now() - before).toBeLessThan(5000);
    expect(processesWith(marker)).toBe(0);
  });

  test('what runs on in the background does not outlive its container', async () => {
    const marker = `${5_000_000 + Math.floor(Math.random() * 1e6)}`;
    const done = await machine.run(`setsid sleep ${marker} >/dev/null 2>&1 & echo started`);
    expect(done).toMatchObject({ code: 0, stdout: 'started\n' });
    expect(processesWith(marker)).toBe(0);
  });

  test('a container that was cancelled before it began is not begun', async () => {
    await expect(machine.run('true', {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});

function processesWith(argument: string): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
      } catch {
        return false; // it ended meanwhile
      }
    }).length;
}
