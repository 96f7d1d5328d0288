import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();

/** Limits that several containers have together, as those of one build. */
describe.skipIf(why !== undefined)(`containers with limits together${why === undefined ? '' : `: ${why}`}`, () => {
  let machine: Machine;
  let release: (() => Promise<void>) | undefined;

  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(async () => {
    await release?.();
    const left = machine.leftovers();
    machine.remove();
    expect(left).toEqual([]);
  });

  it.skipIf(!existsSync('/sys/fs/cgroup/pids') && !hasController('pids'))('share the number of processes', async () => {
    release = machine.runtime.confine?.('b1', { pids: 40 });
    const many = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do sleep 3 & done; wait';
    const both = await Promise.all([machine.run(many), machine.run(many)]);
    expect(both.map(({ stderr }) => stderr).join('')).toMatch(/can't fork/);
    expect((await machine.run('echo alive')).stdout).toBe('alive\n');
  });

  it('share the memory, and whoever takes too much is told', async () => {
    release = machine.runtime.confine?.('b2', { memoryBytes: 64 << 20 });
    const hog = 'dd if=/dev/zero of=/dev/null bs=100M count=1';
    const { code, outOfMemory } = await machine.run(hog);
    expect({ code, outOfMemory }).toEqual({ code: 137, outOfMemory: true });
    expect((await machine.run('echo alive')).stdout).toBe('alive\n');
  });

  it('have none any more when they were let go, and belong to one build at a time', async () => {
    release = machine.runtime.confine?.('b3', { memoryBytes: 64 << 20 });
    expect(() => machine.runtime.confine?.('b4', {})).toThrow('belong to a build');
    await release?.();
    expect((await machine.run('dd if=/dev/zero of=/dev/null bs=100M count=1')).code).toBe(0);
  });
});

function hasController(name: string): boolean {
  try {
    return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').split(/\s/).includes(name);
  } catch {
    return false;
  }
}
