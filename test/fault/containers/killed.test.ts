import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { Machine, whyNoContainers } from '../../cases/containers/machine.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(
  `a process killed while it ran a container${why === undefined ? '' : ` (${why})`}`,
  () => {
    let machine: Machine;
    beforeAll(() => {
      machine = new Machine();
    });
    afterAll(() => machine.remove());

    test('nothing of it runs on, the sweep takes away the rest and leaves a living sibling alone', async () => {
      const marker = `${6_000_000 + Math.floor(Math.random() * 1e6)}`;
      const sibling = await machine.runtime.createNetwork('sibling');
      const upper = join(machine.folder, 'victim-upper');
      mkdirSync(upper);
      const script = fileURLToPath(new URL('victim.ts', import.meta.url));
      const victim = spawn(
        process.execPath,
        ['--import', 'tsx', script, machine.folder, machine.tag, machine.image, upper, marker],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const bridge = await new Promise<string>((resolve) => {
        victim.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      });
      expect(running(marker)).toBe(true);
      victim.kill('SIGKILL');
      await new Promise((resolve) => victim.once('exit', resolve));

      await expect.poll(() => running(marker), { timeout: 5000 }).toBe(false);
      expect(machine.leftovers().length).toBeGreaterThan(3);
      const link = join(machine.folder, 'link');
      symlinkSync('.', link);
      const successor = createRuntime({ dataFolder: link, tag: machine.tag, allowHostNetwork: false });
      const report = await successor.sweep();
      expect(report).toEqual({ containers: 1, mounts: 3, networks: 1, folders: 2 });

      const links = readdirSync('/sys/class/net');
      expect(links).not.toContain(bridge);
      expect(links.filter((name) => name.startsWith(`${bridge}v`))).toEqual([]);
      expect(links).toContain(sibling.name);
      await machine.run('true', { network: { kind: 'bridge', bridge: sibling } });
      await sibling.close();
      expect(machine.leftovers()).toEqual([]);
      expect(await machine.runtime.sweep()).toEqual({ containers: 0, mounts: 0, networks: 0, folders: 0 });
    });

    test('nor of those that it kept: on terminals, by exec, paused, with the machine’s processes or another’s network', async () => {
      const marker = `${7_000_000 + Math.floor(Math.random() * 1e6)}`;
      const script = fileURLToPath(new URL('keeping-victim.ts', import.meta.url));
      const args = ['--import', 'tsx', script, machine.folder, machine.tag, machine.image, marker];
      const victim = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => victim.stdout.once('data', resolve));
      const paused = () => groupsOf(machine.tag).filter((name) => name.includes('-paused@'));
      expect(running(marker)).toBe(true);
      expect(paused()).toHaveLength(1);
      victim.kill('SIGKILL');
      await new Promise((resolve) => victim.once('exit', resolve));
      const report = await machine.runtime.sweep();
      expect(report).toMatchObject({ containers: 5, networks: 1, folders: 6 });
      await expect.poll(() => running(marker), { timeout: 5000 }).toBe(false);
      expect(machine.leftovers()).toEqual([]);
      await expect.poll(() => mentioning(machine.folder), { timeout: 5000 }).toEqual([]);
    });
  },
);

function groupsOf(tag: string): string[] {
  return readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [name, ...readdirSync(join('/sys/fs/cgroup', name))])
    .filter((name) => name.startsWith(`slipway-${tag}`))
    .filter((name, index, all) => all.indexOf(name) === index);
}

function running(argument: string): boolean {
  return commands().some((args) => args.includes(argument));
}

/** Commands in which the folder is named. */
function mentioning(folder: string): string[][] {
  return commands().filter((args) => args.some((arg) => arg.includes(folder)));
}

function commands(): string[][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      } catch {
        return []; // it ended meanwhile
      }
    });
}
