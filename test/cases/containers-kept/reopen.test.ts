import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { Machine, whyNoContainers } from '../containers/machine.ts';
import { KeptScope } from './kept-scope.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(
  `containers of a server that ended${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    test('after a kill: what ran has exited, what is to run runs, what is to go is gone', async () => {
      const script = join(import.meta.dirname, 'crashing-server.ts');
      const server = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await new Promise<string[]>((resolve) =>
        createInterface(server.stdout).once('line', (text) => resolve([text])),
      )) as [string];
      const { folder, tag, ids } = JSON.parse(line) as { folder: string; tag: string; ids: Record<string, string> };
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await ended;

      const machine = new Machine({ dataFolder: folder, tag });
      Object.assign(machine, { folder, tag, image: join(folder, 'image') });
      await machine.runtime.sweep();
      const scope = new KeptScope(machine);
      await scope.open();
      const { containers } = scope;
      expect(
        containers
          .list()
          .map(({ name }) => name)
          .sort(),
      ).toEqual(['always', 'bridged', 'never', 'plain', 'stopped']);
      expect(containers.get('plain').state).toMatchObject({ status: 'exited', exitCode: 137, pid: 0 });
      expect(containers.get('stopped').state).toMatchObject({ status: 'exited', exitCode: 137 });
      expect(containers.get('never').state.status).toBe('created');
      expect(() => containers.get(ids['removed'] as string)).toThrow('No such container');
      expect(scope.volumes.list().map(({ name, labels }) => [name, labels])).toEqual([['named', { a: 'b' }]]);
      expect(scope.networks.get('own')).toMatchObject({ driver: 'bridge' });
      await expect.poll(() => containers.get('always').state.status).toBe('running');
      await expect.poll(() => scope.logs('always')).toBe('run\nrun\n');
      expect(await scope.logs('plain')).toBe('said\n');
      expect(readFileSync(join(scope.folder, 'containers', ids['plain'] as string, 'upper/data/file'), 'utf8')).toBe(
        'kept\n',
      );
      await containers.start('plain');
      await scope.close();
      expect(scope.leftovers()).toEqual([]);
      machine.remove();
    });

    test('after an orderly end: the same, and what a crash left half done is finished', async () => {
      const scope = await new KeptScope().open();
      const id = await scope.create('sleep 1000', { name: 'runs' });
      await scope.containers.start(id);
      const removed = await scope.create('sleep 1000', { name: 'goes', autoRemove: true });
      await scope.containers.start(removed);
      const waiting = scope.containers.wait(id, 'next-exit');
      await scope.close();
      expect(await waiting).toEqual({ code: 137 });
      expect(scope.leftovers()).toEqual([]);
      await expect(scope.containers.start(id)).rejects.toMatchObject({ code: 'unavailable' });
      const folder = join(scope.folder, 'containers');
      mkdirSync(join(folder, 'a'.repeat(64), 'upper'), { recursive: true });
      mkdirSync(join(folder, 'c'.repeat(64)), { recursive: true });
      writeFileSync(join(folder, 'c'.repeat(64), 'container.json'), '{"format": 1, "rec');
      mkdirSync(join(scope.folder, 'volumes/half/_data'), { recursive: true });
      await scope.open();
      expect(scope.containers.list().map(({ name, state }) => [name, state.exitCode])).toEqual([['runs', 137]]);
      expect(readdirSync(folder).sort()).toEqual([id, `${'c'.repeat(64)}.unreadable`].sort());
      expect(existsSync(join(scope.folder, 'volumes/half'))).toBe(false);
      await scope.close({ drop: true });
      expect(scope.containers.list()).toEqual([]);
      scope.machine.remove();
    });

    test('when the server has time, who listens for the stop signal ends by itself', async () => {
      const scope = await new KeptScope().open();
      const listening = "trap 'echo bye; exit 3' TERM USR1; echo up; while :; do sleep 0.05; done";
      await scope.containers.start(await scope.create(listening, { name: 'listens' }));
      await scope.containers.start(await scope.create(listening, { name: 'otherwise', stopSignal: 'SIGUSR1' }));
      await scope.containers.start(await scope.create('sleep 1000', { name: 'deaf' }));
      for (const name of ['listens', 'otherwise']) await expect.poll(() => scope.logs(name)).toBe('up\n');
      await scope.close({ seconds: 60 });
      await scope.open();
      expect(scope.containers.list().map(({ name, state }) => [name, state.exitCode])).toEqual([
        ['listens', 3],
        ['otherwise', 3],
        ['deaf', 137],
      ]);
      expect(await scope.logs('listens')).toBe('up\nbye\n');
      await scope.close({ drop: true });
      scope.machine.remove();
    });
  },
);
