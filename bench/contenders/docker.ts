import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/lib/run.ts';
import { AccountedGroup } from '../accounting.ts';
import { writeFromOnly } from '../workloads/from-only.ts';
import type { Candidate, Command } from './contender.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { programsOnPath } from './programs.ts';

/** What a builder asks of a client: DOCKER_BUILDKIT, and which clients still have that builder within. */
interface Builder {
  name: string;
  group: string;
  buildkit: '0' | '1';
  suits(major: number): boolean;
  wanted: string;
}

/** Client 23 and later asks a plugin for BuildKit, which Debian does not have; every client has the classic builder. */
const CLASSIC: Builder = {
  name: 'docker',
  group: 'docker',
  buildkit: '0',
  suits: () => true,
  wanted: 'a docker client',
};
const BUILDKIT: Builder = {
  name: 'docker BuildKit',
  group: 'docker-buildkit',
  buildkit: '1',
  suits: (major) => major < 23,
  wanted: 'a docker client older than 23 (later ones need the buildx plugin)',
};

export const dockerClassic: Candidate = candidate(CLASSIC);
export const dockerBuildkit: Candidate = candidate(BUILDKIT);

function candidate(builder: Builder): Candidate {
  return {
    name: builder.name,
    async find() {
      const daemon = await versionOf('dockerd');
      if (daemon === undefined) return { absent: 'dockerd is not installed' };
      const client = await clientFor(builder);
      if (client === undefined) return { absent: `${builder.wanted} is not installed` };
      return { version: `client ${client.version}, dockerd ${daemon}` };
    },
    async begin(folder) {
      const client = (await clientFor(builder))?.path ?? 'docker';
      const dockerd = await Dockerd.create(builder.group, folder);
      const command = (...args: string[]): Command => ({
        argv: [client, '--config', join(folder, 'config'), ...args],
        env: { DOCKER_HOST: `unix://${dockerd.socket}`, DOCKER_BUILDKIT: builder.buildkit },
      });
      return {
        name: builder.name,
        group: dockerd.group,
        renew: () => dockerd.renew(),
        mirror: async (source, target) => [
          command('build', '-q', '-t', target, await writeFromOnly(folder, source)),
          command('push', '-q', target),
        ],
        build: async ({ context, file, tag }) => [
          command('build', '--network=none', '-q', '-f', file, '-t', tag, context),
        ],
        push: async (tag) => [command('push', '-q', tag)],
        pull: async (source) => [command('pull', '-q', source)],
        end: () => dockerd.end(),
      };
    },
  };
}

/** Started by hand and without a bridge: what is built here has no network. */
export class Dockerd {
  readonly group: AccountedGroup;
  readonly #folder: string;
  #daemon: Daemon | undefined;
  #renewals = 0;

  static async create(group: string, folder: string): Promise<Dockerd> {
    return new Dockerd(await AccountedGroup.create(group), folder);
  }

  private constructor(group: AccountedGroup, folder: string) {
    this.group = group;
    this.#folder = folder;
  }

  get socket(): string {
    return join(this.#folder, 'docker.sock');
  }

  async renew(): Promise<void> {
    await this.#daemon?.stop();
    const home = join(this.#folder, `dockerd-${++this.#renewals}`);
    const argv = ['dockerd', '--data-root', `${home}/root`, '--exec-root', `${home}/exec`, '--pidfile', `${home}/pid`];
    argv.push('-H', `unix://${this.socket}`, '--bridge=none', '--iptables=false', '--ip6tables=false');
    argv.push('--cgroup-parent', `${this.group.path}/containers`);
    await mkdir(home);
    this.#daemon = await startDaemon(this.group.within(argv), `${home}.log`, async () => {
      const { code, stdout } = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
        env: { ...process.env, DOCKER_HOST: `unix://${this.socket}` },
      });
      return code === 0 ? stdout.trim() : undefined;
    });
  }

  async end(): Promise<void> {
    await this.#daemon?.stop();
    await this.group.end();
  }
}

function clientFor(builder: Builder): Promise<DockerClient | undefined> {
  return dockerClient(builder.suits);
}

export interface DockerClient {
  path: string;
  version: string;
}

/** The first client on the PATH whose major version suits. */
export async function dockerClient(suits: (major: number) => boolean): Promise<DockerClient | undefined> {
  for (const path of programsOnPath('docker')) {
    const version = await versionOf(path);
    if (version !== undefined && suits(Number.parseInt(version, 10))) return { path, version };
  }
  return undefined;
}

export async function versionOf(program: string): Promise<string | undefined> {
  if (!program.includes('/') && programsOnPath(program).length === 0) return undefined;
  const { stdout } = await run(program, ['--version']);
  return /version ([\d.]+)/.exec(stdout)?.[1];
}
