import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../src/lib/problem.ts';
import type { AccountedGroup } from '../accounting.ts';
import type { Command, Contender } from '../contenders/contender.ts';
import { type DockerClient, Dockerd, dockerClient, versionOf } from '../contenders/docker.ts';
import { findSlipway, ResidentServer } from '../contenders/slipway.ts';

/** One that docker's command line drives. */
export interface DockerEngine extends Contender {
  /** @param buildkit by the client that has BuildKit's part within */
  docker(args: readonly string[], buildkit?: boolean): Command;
}

/** The clients that ask both engines: the newest of the machine, and one that builds by BuildKit without a plugin. */
interface Clients {
  newest: DockerClient;
  buildkit: DockerClient | undefined;
}

/** @throws Problem `unsupported` without a docker client or dockerd */
export async function startEngines(
  folder: string,
  versions: string[],
  until: (end: () => Promise<void>) => void,
): Promise<DockerEngine[]> {
  const newest = await dockerClient(() => true);
  const dockerd = await versionOf('dockerd');
  if (newest === undefined || dockerd === undefined)
    throw new Problem('unsupported', 'docker and dockerd are not installed: there is nothing to compare with');
  const clients: Clients = { newest, buildkit: await dockerClient((major) => major < 23) };
  versions.push(`docker: client ${newest.version}, dockerd ${dockerd}`);
  versions.push(
    `BuildKit by docker client: ${clients.buildkit?.version ?? 'skipped, none older than 23 is installed'}`,
  );
  versions.push(`slipway: ${(await findSlipway()).version}`);
  const [ours, theirs] = [join(folder, 'slipway'), join(folder, 'docker')];
  for (const own of [ours, theirs]) await mkdir(own);
  const server = await ResidentServer.create('slipway', ours);
  until(() => server.end());
  const daemon = await Dockerd.create('docker', theirs);
  until(() => daemon.end());
  return [
    engine('slipway', server, clients, () => join(server.data, 'docker.sock')),
    engine('docker', daemon, clients, () => daemon.socket),
  ];
}

function engine(
  name: string,
  server: { group: AccountedGroup; renew(): Promise<void>; end(): Promise<void> },
  { newest, buildkit }: Clients,
  socket: () => string,
): DockerEngine {
  return {
    name,
    group: server.group,
    renew: () => server.renew(),
    end: () => server.end(),
    docker: (args, byBuildkit = false) => ({
      argv: [(byBuildkit ? (buildkit ?? newest) : newest).path, ...args],
      env: {
        DOCKER_HOST: `unix://${socket()}`,
        DOCKER_CONFIG: '/nonexistent',
        DOCKER_BUILDKIT: byBuildkit ? '1' : '0',
      },
    }),
  };
}
