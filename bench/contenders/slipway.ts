import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../../src/lib/run.ts';
import { AccountedGroup } from '../accounting.ts';
import { writeFromOnly } from '../workloads/from-only.ts';
import type { Candidate, Command, Contender } from './contender.ts';
import { type Daemon, startDaemon } from './daemon.ts';

export const SLIPWAY = join(import.meta.dirname, '../../bin/slipway');

/** Ours: the command line against a resident server, both of them counted. */
export const slipway: Candidate = {
  name: 'slipway',
  find: findSlipway,
  begin: async (folder) => {
    const server = await ResidentServer.create('slipway', folder);
    const build = (args: string[]) =>
      server.command(['build', '--network', 'none', '--progress', 'json', ...args], buildMs);
    return contender('slipway', server, {
      mirror: async (source, target) => [build(['--push', '-t', target, await writeFromOnly(folder, source)])],
      build: async ({ context, file, tag }) => [build(['-f', file, '-t', tag, context])],
      push: async (tag) => [server.command(['push', '--json', tag], timedMs)],
      pull: async (source) => [server.command(['pull', '--json', source], timedMs)],
    });
  },
};

/** The verb that is skopeo's own: from registry to registry, nothing built. */
export const slipwayCopy: Candidate = {
  name: 'slipway copy',
  find: findSlipway,
  begin: async (folder) => {
    const server = await ResidentServer.create('slipway-copy', folder);
    return contender('slipway copy', server, {
      // skopeo leaves out what refers to an image, so this does
      mirror: async (source, target) => [server.command(['copy', '--json', '--no-referrers', source, target], timedMs)],
    });
  },
};

export async function findSlipway(): Promise<{ version: string }> {
  const { stdout } = await runOk(process.execPath, [SLIPWAY, '--version']);
  return { version: `${stdout.trim()} on Node ${process.versions.node}` };
}

function contender(
  name: string,
  server: ResidentServer,
  work: Pick<Contender, 'mirror' | 'build' | 'push' | 'pull'>,
): Contender {
  return { name, group: server.group, renew: () => server.renew(), end: () => server.end(), ...work };
}

/** A server that stays, with everything it starts in a group of its own. */
export class ResidentServer {
  readonly group: AccountedGroup;
  readonly #folder: string;
  readonly #config: string | undefined;
  #server: Daemon | undefined;
  #data = '';
  #renewals = 0;

  /** @param config text of slipway.yaml */
  static async create(name: string, folder: string, config?: string): Promise<ResidentServer> {
    return new ResidentServer(await AccountedGroup.create(name), folder, config);
  }

  private constructor(group: AccountedGroup, folder: string, config: string | undefined) {
    this.group = group;
    this.#folder = folder;
    this.#config = config;
  }

  /** The data folder since the last `renew`. */
  get data(): string {
    return this.#data;
  }

  async renew(): Promise<void> {
    await this.#server?.stop();
    this.#data = join(this.#folder, `data-${++this.#renewals}`);
    await mkdir(this.#data, { mode: 0o700 });
    if (this.#config !== undefined) await writeFile(join(this.#data, 'slipway.yaml'), this.#config);
    const argv = [process.execPath, SLIPWAY, 'serve', '--data', this.#data, '--listen', '127.0.0.1:0'];
    this.#server = await startDaemon(
      await this.group.asRoot(argv),
      `${this.#data}.log`,
      async (printed) => /^ready (http:\S+)$/m.exec(printed)?.[1],
    );
  }

  command(args: string[], serverMs: (stdout: string) => number): Command {
    return { argv: [process.execPath, SLIPWAY, '--data', this.#data, ...args], serverMs };
  }

  async end(): Promise<void> {
    await this.#server?.stop();
    await this.group.end();
  }
}

/** The last line of `--progress json` is the result; `ms` is from the call's arrival to its end, pushes included. */
function buildMs(stdout: string): number {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return (JSON.parse(last) as { result: { ms: number } }).result.ms;
}

/** Of copy, pull and push; a push gives a list, because it may be of all tags. */
function timedMs(stdout: string): number {
  const answer = JSON.parse(stdout) as { ms: number } | { ms: number }[];
  return Array.isArray(answer) ? (answer[0]?.ms ?? Number.NaN) : answer.ms;
}
