import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../../src/lib/retry.ts';
import { run, runOk } from '../../../src/lib/run.ts';
import { dockerClients } from '../docker-lessons/docker-clients.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../server.ts';

const [client] = dockerClients;
const lacks = `${await missingForBuilds()}${client === undefined ? ': no docker' : ''}`;
const RUNS = 100;
const AT_ONCE = 4;

/** What a machine has more of while containers run. */
interface Traces {
  mounts: string[];
  groups: string[];
  networks: string[];
  folders: string[];
  processes: number;
  descriptors: number;
}

describe.skipIf(lacks !== '')(`containers that have ended${lacks}`, () => {
  let server: TestServer;
  let env: NodeJS.ProcessEnv;
  const docker = (...args: string[]) => run(client?.path ?? '', args, { env, timeout: 60_000 });

  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    env = {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
      DOCKER_CONFIG: server.folder,
    };
    await runOk(client?.path ?? '', ['pull', 'busybox'], { env });
  });
  afterAll(() => server?.close());

  it(`leave nothing behind, after ${RUNS} of them that ended in every way`, async () => {
    const kinds: (() => Promise<unknown>)[] = [
      () => docker('run', '--rm', 'busybox', 'true'),
      () => docker('run', '--rm', 'busybox', 'sh', '-c', 'exit 7'),
      () => docker('run', '--rm', 'busybox', 'no-such-program'),
      () => docker('run', '--rm', '-t', 'busybox', 'sh', '-c', 'sleep 100 & echo $$'),
      () => docker('run', '--rm', '--network', 'none', '-v', '/anonymous', 'busybox', 'touch', '/anonymous/file'),
      async () => {
        const id = (await docker('run', '-d', 'busybox', 'sleep', '1000')).stdout.trim();
        await docker('exec', id, 'true');
        await docker('rm', '--force', '--volumes', id);
      },
      async () => {
        // a client that goes away in the middle
        const ended = new AbortController();
        const name = `cut-${Math.random().toString(36).slice(2)}`;
        const left = run(client?.path ?? '', ['run', '--rm', '--name', name, 'busybox', 'sleep', '1000'], {
          env,
          signal: ended.signal,
        }).catch(() => undefined);
        for (let tries = 0; tries < 100 && (await docker('top', name)).code !== 0; tries++) await pause(20);
        ended.abort();
        await left;
        await docker('kill', name);
      },
    ];
    // the first ones make what stays for the next: images unpacked, the default network
    for (const kind of kinds) await kind();
    const before = await settled(server);
    for (let i = 0; i < RUNS; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => kinds[(i + n) % kinds.length]?.()));
    const after = await settled(server, before);
    expect((await docker('ps', '--all', '--quiet')).stdout).toBe('');
    expect((await docker('volume', 'ls', '--quiet')).stdout).toBe('');
    const { descriptors: few, ...rest } = before;
    const { descriptors, ...kept } = after;
    expect(kept).toEqual(rest);
    // connections that are kept open for the next request
    expect(descriptors).toBeLessThanOrEqual(few + 5);
  });
});

/** Waits until nothing changes any more, or all is as it was. */
async function settled(server: TestServer, wanted?: Traces): Promise<Traces> {
  let last = '';
  for (let tries = 0; ; tries++) {
    const now = traces(server, below([server.pid]));
    const text = JSON.stringify({ ...now, descriptors: 0 });
    if (tries > 40 || (wanted === undefined ? text === last : text === JSON.stringify({ ...wanted, descriptors: 0 })))
      return now;
    last = text;
    await pause(250);
  }
}

function traces({ data }: TestServer, processes: readonly number[]): Traces {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(data))
      .map((line) => line.split(' ')[4] ?? ''),
    groups: groupsOf(data),
    networks: readdirSync('/sys/class/net').filter((name) => isOf(name, data)),
    folders: [
      join(data, 'run'),
      ...readdirSync(join(data, 'docker')).map((scope) => join(data, 'docker', scope)),
    ].flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))),
    processes: processes.length,
    descriptors: processes.reduce((sum, pid) => sum + countOf(`/proc/${pid}/fd`), 0),
  };
}

/** These processes with all that they started. */
function below(pids: readonly number[]): number[] {
  const children = pids.flatMap((pid) => {
    const path = `/proc/${pid}/task/${pid}/children`;
    return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : [];
  });
  return children.length === 0 ? [...pids] : [...pids, ...below(children)];
}

/** Control groups of Slipway, whose names tell the data folder by its tag; other servers' may come and go. */
function groupsOf(data: string): string[] {
  const tag = readTag(data);
  return readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [name, ...readdirSync(join('/sys/fs/cgroup', name)).map((below) => join(name, below))])
    .filter((name) => name.includes(`slipway-${tag}`));
}

/** In every name outside of a data folder. */
function readTag(data: string): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 8);
}

function isOf(link: string, data: string): boolean {
  return existsSync(`/sys/class/net/${link}/ifalias`)
    ? readFileSync(`/sys/class/net/${link}/ifalias`, 'utf8').includes(readTag(data))
    : false;
}

function countOf(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}
