import { Problem } from '../lib/problem.ts';
import { type Digest, isDigest } from './digest.ts';

/**
 * A name of an image in docker's grammar (distribution/reference), whole: `host/repository[:tag][@digest]`.
 * Short names are completed as docker does it: `python` is docker.io/library/python, and a first segment is a host only
 * when it has a dot, a colon or an upper-case letter, or is `localhost`.
 */
export interface Reference {
  host: string;
  repository: string;
  tag?: string;
  digest?: Digest;
}

const SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const HOST =
  /^(?:\[[0-9a-fA-F:]+\]|(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]+)?$/;

/** Longest host and repository together, of distribution-spec ("Pulling manifests", note on 255 characters). */
const NAME_LIMIT = 255;

/** Whether this is a repository path as a registry may hold it. */
export function isRepositoryName(text: string): boolean {
  return text.length > 0 && text.length <= NAME_LIMIT && text.split('/').every((segment) => SEGMENT.test(segment));
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Reads a reference as a person types it. A tag is not made up: see `withDefaultTag`.
 * @throws Problem `invalid`, with docker's texts (`invalid reference format ...`)
 */
export function parseReference(text: string): Reference {
  const bad = (message: string, hint?: string) => new Problem('invalid', message, { hint });
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf('@');
  if (at >= 0) {
    const tail = rest.slice(at + 1);
    if (!isDigest(tail))
      throw bad('invalid reference format', `${JSON.stringify(tail)} after @ is not a whole digest.`);
    digest = tail;
    rest = rest.slice(0, at);
  }
  const slash = rest.lastIndexOf('/');
  const colon = rest.indexOf(':', slash + 1);
  let tag: string | undefined;
  if (colon >= 0) {
    tag = rest.slice(colon + 1);
    if (!isTag(tag)) throw bad('invalid reference format', tag === '' ? 'Nothing follows the colon.' : undefined);
    rest = rest.slice(0, colon);
  }
  const [host, path] = splitHost(rest);
  if (path === '' || !HOST.test(host)) throw bad('invalid reference format');
  if (path !== path.toLowerCase()) throw bad(`invalid reference format: repository name (${path}) must be lowercase`);
  if (!path.split('/').every((segment) => SEGMENT.test(segment))) throw bad('invalid reference format');
  if (host.length + 1 + path.length > NAME_LIMIT)
    throw bad(`invalid reference format: repository name must not be more than ${NAME_LIMIT} characters`);
  if (/^[a-f0-9]{64}$/.test(rest))
    throw bad(`invalid repository name (${rest}), cannot specify 64-byte hexadecimal strings`);
  return { host, repository: path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function splitHost(name: string): [host: string, path: string] {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (!isHost) return ['docker.io', slash < 0 && name !== '' ? `library/${name}` : name];
  const path = name.slice(slash + 1);
  if (first !== 'docker.io' && first !== 'index.docker.io') return [first, path];
  return ['docker.io', path.includes('/') ? path : `library/${path}`];
}

/** `latest`, unless a tag or digest was named. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** The whole name, host included. */
export function formatReference(reference: Reference): string {
  return `${reference.host}/${reference.repository}${suffix(reference)}`;
}

/** What a person typed as the whole name that it stands for: `python` is `docker.io/library/python:latest`. @throws as `parseReference` */
export function fullName(text: string): string {
  return formatReference(withDefaultTag(parseReference(text)));
}

/** The name as docker shows it: `docker.io/library/python:3` is `python:3`. */
export function familiarName(reference: Reference): string {
  const { host, repository } = reference;
  const short = host !== 'docker.io' ? `${host}/${repository}` : repository.replace(/^library\//, '');
  return short + suffix(reference);
}

function suffix(reference: Reference): string {
  return (
    (reference.tag === undefined ? '' : `:${reference.tag}`) +
    (reference.digest === undefined ? '' : `@${reference.digest}`)
  );
}
