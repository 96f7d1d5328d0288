import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OwnNames } from '../../stores/registry/name.ts';
import { type Build, locationOf } from '../build.ts';

/**
 * /builder/home/.docker/config.json, as in the hosted service: docker in a step pushes to our own registry hosts with the
 * build's token, and to no other.
 */
export async function writeRegistryLogins(home: string, token: string, build: Build, names: OwnNames): Promise<void> {
  const auth = Buffer.from(`oauth2accesstoken:${token}`).toString('base64');
  const auths = Object.fromEntries(registryHosts(build, names).map((host) => [host, { auth }]));
  await mkdir(join(home, '.docker'), { mode: 0o755 });
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ auths }, null, 2), { mode: 0o600 });
}

/** The hosts that we are, each by its name: those of slipway.yaml, and Google's of the build's and the default location. */
export function registryHosts(build: Pick<Build, 'name'>, names: OwnNames): string[] {
  const google = [locationOf(build), names.defaultLocation].map((location) => `${location}-docker.pkg.dev`);
  const plain = names.hosts.filter((host) => !host.includes('*'));
  return [...new Set([...plain, ...(servesGoogle(names) ? google : [])])];
}

function servesGoogle(names: OwnNames): boolean {
  return names.hosts.some((host) => host.includes('*') && host.endsWith('-docker.pkg.dev'));
}
