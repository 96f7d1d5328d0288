import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/lib/run.ts';
import { AccountedGroup } from '../accounting.ts';
import { writeFromOnly } from '../workloads/from-only.ts';
import type { Candidate, Command, Contender, ImageBuild } from './contender.ts';
import { programsOnPath } from './programs.ts';

export const buildah: Candidate = {
  name: 'buildah',
  async find() {
    if (programsOnPath('buildah').length === 0) return { absent: 'buildah is not installed' };
    const { stdout } = await run('buildah', ['--version']);
    return { version: /version ([\d.]+)/.exec(stdout)?.[1] ?? stdout.trim() };
  },
  begin: async (folder) => new Buildah(folder, await AccountedGroup.create('buildah')),
};

/** No daemon: its store is renewed by naming another folder. `chroot` is its isolation that costs least. */
class Buildah implements Contender {
  readonly name = 'buildah';
  readonly group: AccountedGroup;
  readonly #folder: string;
  #store = '';
  #renewals = 0;

  constructor(folder: string, group: AccountedGroup) {
    this.#folder = folder;
    this.group = group;
  }

  async renew(): Promise<void> {
    this.#store = join(this.#folder, `store-${++this.#renewals}`);
    await mkdir(this.#store);
  }

  async mirror(source: string, target: string): Promise<Command[]> {
    const context = await writeFromOnly(this.#folder, source);
    return [
      this.#command('bud', '-q', '--isolation', 'chroot', '--tls-verify=false', '-t', target, context),
      this.#command('push', '-q', '--tls-verify=false', target),
    ];
  }

  async build({ context, file, tag }: ImageBuild): Promise<Command[]> {
    const flags = [
      '-q',
      '--layers',
      '--pull=false',
      '--isolation',
      'chroot',
      '--network',
      'host',
      '--tls-verify=false',
    ];
    return [this.#command('bud', ...flags, '-f', file, '-t', tag, context)];
  }

  async push(tag: string): Promise<Command[]> {
    return [this.#command('push', '-q', '--tls-verify=false', tag)];
  }

  async pull(source: string): Promise<Command[]> {
    return [this.#command('pull', '-q', '--tls-verify=false', source)];
  }

  end(): Promise<void> {
    return this.group.end();
  }

  #command(...args: string[]): Command {
    const store = [
      '--root',
      join(this.#store, 'root'),
      '--runroot',
      join(this.#store, 'run'),
      '--storage-driver',
      'overlay',
    ];
    return { argv: ['buildah', ...store, ...args] };
  }
}
