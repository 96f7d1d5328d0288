import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** One of the docker command lines of this machine. */
export interface DockerClient {
  path: string;
  version: string;
  /** Up to 22 a client holds BuildKit's part itself; later ones ask a plug-in for it. */
  buildkit: boolean;
}

/** Every docker command line on the PATH, the newest first; several versions may be installed. */
export const dockerClients: readonly DockerClient[] = (process.env['PATH'] ?? '')
  .split(':')
  .map((folder) => join(folder, 'docker'))
  .filter((path) => existsSync(path))
  .map((path) => realpathSync(path))
  .filter((path, i, all) => all.indexOf(path) === i)
  .flatMap((path) => {
    const version = versionOf(path);
    return version === undefined ? [] : [{ path, version, buildkit: Number.parseInt(version, 10) < 23 }];
  })
  .sort((a, b) => Number.parseInt(b.version, 10) - Number.parseInt(a.version, 10));

/** `20.10.24` of "Docker version 20.10.24+dfsg1, build ..."; podman's stand-in for docker says something else. */
function versionOf(path: string): string | undefined {
  try {
    return /^Docker version (\d+[\d.]*)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1];
  } catch {
    return undefined;
  }
}

/** A client with one of its builders: what a lesson is gone through with. */
export interface DockerSetUp {
  /** Of the golden file: `28-classic`, `20.10-buildkit`. */
  name: string;
  client: DockerClient;
  /** DOCKER_BUILDKIT. */
  builder: '0' | '1';
}

/**
 * BuildKit first: what the classic builder finds in a cache, it says of instructions that run nothing only, which the masks
 * leave out.
 */
export const setUps: readonly DockerSetUp[] = dockerClients
  .flatMap((client) => {
    const short = client.version
      .split('.')
      .slice(0, Number.parseInt(client.version, 10) < 23 ? 2 : 1)
      .join('.');
    const classic: DockerSetUp = { name: `${short}-classic`, client, builder: '0' };
    return client.buildkit ? [classic, { name: `${short}-buildkit`, client, builder: '1' as const }] : [classic];
  })
  .sort((a, b) => Number(b.builder) - Number(a.builder));
