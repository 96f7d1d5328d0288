import { isRepositoryName } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';

/** Where an image of ours lives: Artifact Registry's location, project and repository, and the image's path in it. */
export interface OwnName {
  location: string;
  project: string;
  repository: string;
  image: string;
}

export interface OwnNames {
  /** Hosts that we *are*; `*` stands for one or more characters (`*-docker.pkg.dev`). */
  hosts: string[];
  /** The location meant by names at our own address. */
  defaultLocation: string;
}

const GOOGLE_HOST = /^([a-z0-9-]+)-docker\.pkg\.dev(?::443)?$/;

/** Where names of one or two segments live. */
const DEFAULT_PROJECT = 'default';
const DEFAULT_REPOSITORY = 'images';

/** Whether names at this host are served here. */
export function isOwnHost(host: string, names: OwnNames): boolean {
  return names.hosts.some((pattern) => matchesHost(host.toLowerCase(), pattern.toLowerCase()));
}

function matchesHost(host: string, pattern: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return host === pattern;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return host.length > head.length + tail.length && host.startsWith(head) && host.endsWith(tail);
}

/**
 * The repository that `host/path` means. `LOCATION-docker.pkg.dev/P/R/IMAGE` says all four; at our own address
 * `P/R/IMAGE` lies in the default location, and one or two segments in project `default`.
 * @throws Problem `invalid` when the path is no repository name
 */
export function ownName(host: string, path: string, names: OwnNames): OwnName {
  if (!isRepositoryName(path))
    throw new Problem('invalid', `invalid repository name: ${JSON.stringify(path.slice(0, 256))}`);
  const location = googleLocation(host) ?? names.defaultLocation;
  const segments = path.split('/');
  const [first = '', second = ''] = segments;
  if (segments.length >= 3) return { location, project: first, repository: second, image: segments.slice(2).join('/') };
  if (segments.length === 2) return { location, project: DEFAULT_PROJECT, repository: first, image: second };
  return { location, project: DEFAULT_PROJECT, repository: DEFAULT_REPOSITORY, image: first };
}

/** Artifact Registry's location in a `LOCATION-docker.pkg.dev` host; undefined for any other. */
export function googleLocation(host: string): string | undefined {
  return GOOGLE_HOST.exec(host.toLowerCase())?.[1];
}

/** The shortest path that means this repository at our own address: `ownName` backwards. */
export function localPath(name: OwnName): string {
  const full = `${name.project}/${name.repository}/${name.image}`;
  if (name.project !== DEFAULT_PROJECT || name.image.includes('/')) return full;
  return name.repository === DEFAULT_REPOSITORY ? name.image : `${name.repository}/${name.image}`;
}

/** The key of the registry store. */
export function repositoryKey(name: OwnName): string {
  return `${name.location}/${name.project}/${name.repository}/${name.image}`;
}

/** @throws Error when the key was not made by `repositoryKey` */
export function parseRepositoryKey(key: string): OwnName {
  const [location, project, repository, ...image] = key.split('/');
  if (location === undefined || project === undefined || repository === undefined || image.length === 0)
    throw new Error(`not a repository key: ${key}`);
  return { location, project, repository, image: image.join('/') };
}
