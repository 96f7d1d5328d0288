import type { ContainerRequest } from '../../containers/container-request.ts';
import { capabilitiesOf } from '../../containers/sandbox/capabilities.ts';
import type { Entitlement } from '../../engine/request.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerClient } from './call.ts';

/**
 * What each kind of client may ask of containers, in one place (ARCHITECTURE.md, "Whom we trust"). The owner of the data
 * folder has this machine anyway, so their socket refuses nothing. Everybody else is in a scope: what would let a container
 * see, hold or disturb anything outside of it is denied with a sentence that says what and why.
 */
interface Rule {
  /** What of it was asked for, as the person wrote it. */
  asked(request: ContainerRequest): string | undefined;
  why: string;
}

const RULES: readonly Rule[] = [
  {
    asked: ({ privileged }) => (privileged ? '--privileged' : undefined),
    why: 'it would give the container the whole machine',
  },
  {
    asked: ({ mounts }) => {
      const bind = mounts.find(({ kind }) => kind === 'bind');
      return bind?.kind === 'bind' ? `the host path ${bind.source}` : undefined;
    },
    why: 'files of the machine are not of this scope. Use a volume, or docker cp; a build has /workspace and /builder/home',
  },
  {
    asked: ({ network }) => (network.kind === 'host' ? '--network host' : undefined),
    why: 'it reaches every service of the machine. Networks of docker network create are open',
  },
  {
    asked: ({ ports }) => (ports[0] === undefined ? undefined : `--publish ${ports[0].containerPort}`),
    why: 'ports of the machine are not of this scope. Containers on one network reach each other by name',
  },
  {
    asked: ({ shared }) => (shared[0] === undefined ? undefined : `--${shared[0]} host`),
    why: 'it shows what runs on the machine',
  },
  {
    asked: ({ devices }) => (devices[0] === undefined ? undefined : `--device ${devices[0].source}`),
    why: "devices are the machine's",
  },
  {
    asked: ({ unconfined }) => (unconfined ? '--security-opt seccomp=unconfined' : undefined),
    why: 'the filter of system calls protects the machine',
  },
  {
    asked: ({ capabilities }) => {
      const usual = new Set(capabilitiesOf());
      const more = capabilitiesOf(capabilities).find((name) => !usual.has(name));
      return more === undefined ? undefined : `--cap-add ${more}`;
    },
    why: "containers have docker's 14 capabilities here and no other",
  },
  {
    asked: ({ sysctls }) => (Object.keys(sysctls)[0] === undefined ? undefined : `--sysctl ${Object.keys(sysctls)[0]}`),
    why: "settings of the kernel are the machine's",
  },
];

/** So many containers, volumes and networks each may one scope have at a time. */
const MOST = 64;

/** @throws Problem `denied` */
export function checkContainer(client: DockerClient, request: ContainerRequest): void {
  if (client.kind === 'owner') return;
  for (const { asked, why } of RULES) {
    const what = asked(request);
    if (what !== undefined) throw denied(client, what, why);
  }
}

/** @throws Problem `denied` */
export function checkExec(client: DockerClient, request: { privileged: boolean }): void {
  if (client.kind !== 'owner' && request.privileged)
    throw denied(client, '--privileged', 'it would give the command the whole machine');
}

/** What RUN lines of an image build may be given. @throws Problem `denied` */
export function checkBuildNetwork(client: DockerClient, mode: 'default' | 'none' | 'host'): void {
  if (client.kind !== 'owner' && mode === 'host')
    throw denied(client, '--network host', 'it reaches every service of the machine');
}

/** What `--allow` of a build unlocks, where slipway.yaml lets it. @throws Problem `denied` */
export function checkEntitlements(client: DockerClient, allow: readonly Entitlement[]): void {
  const [first] = allow;
  if (client.kind !== 'owner' && first !== undefined)
    throw denied(client, `--allow ${first}`, 'it reaches out of the scope to the machine');
}

/** Containers that its scope may have at a time, running or not; undefined is any number. */
export function mostContainers(client: DockerClient): number | undefined {
  return client.kind === 'owner' ? undefined : MOST;
}

/** @throws Problem `denied` when there are as many as there may be */
export function checkQuota(client: DockerClient, kind: 'volumes' | 'networks', present: number): void {
  if (client.kind !== 'owner' && present >= MOST)
    throw denied(client, `more than ${MOST} ${kind}`, 'there are as many as this scope may have. Remove some first');
}

function denied(client: DockerClient, what: string, why: string): Problem {
  const socket = client.kind === 'build' ? 'the docker socket of a build' : 'a docker client from the network';
  return new Problem('denied', `${what} is not for ${socket}: ${why}`);
}
