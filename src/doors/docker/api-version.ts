import { DockerError } from './errors.ts';

/** Engine API versions 1.MINOR that are served, as minor numbers. */
export const NEWEST_API = 43;
export const OLDEST_API = 24;

/** The version in front of a path, and the path without it. Clients that name none get the newest, as dockerd does it. */
export function splitVersion(path: string): { version: number; rest: string } {
  const match = /^\/v([0-9.]+)(\/.*)$/.exec(path);
  if (match === null) return { version: NEWEST_API, rest: path };
  const [, text = '', rest = ''] = match;
  return { version: checked(text), rest };
}

function checked(text: string): number {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const newer = major > 1 || (major === 1 && minor > NEWEST_API);
  if (newer)
    throw new DockerError(400, `client version ${text} is too new. Maximum supported API version is 1.${NEWEST_API}`);
  if (major < 1 || minor < OLDEST_API)
    throw new DockerError(
      400,
      `client version ${text} is too old. Minimum supported API version is 1.${OLDEST_API}, please upgrade your client to a newer version`,
    );
  return minor;
}
