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
  const google = [locationOf(build), names.defaultLocation].map((location) => `${location}-docker.pkg.dev`);
  const hosts = [...names.hosts.filter((host) => !host.includes('*')), ...(servesGoogle(names) ? google : [])];
  const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]));
  await mkdir(join(home, '.docker'), { mode: 0o755 });
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ auths }, null, 2), { mode: 0o600 });
}

function servesGoogle(names: OwnNames): boolean {
  return names.hosts.some((host) => host.includes('*') && host.endsWith('-docker.pkg.dev'));
}
