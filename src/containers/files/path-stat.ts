import { type BigIntStats, constants } from 'node:fs';
import { posix } from 'node:path';
import { lstatBelow, lstatBelowIfThere, readlinkBelow, statBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { PathStat } from '../container-files.ts';

/** A path as `docker cp` means it, in the root of a container. */
export interface NamedPath {
  /** Absolute, without `.` and `..`. */
  path: string;
  /** Its last segment as it was written: what entries of an archive begin with. `/` and `.` are names too. */
  name: string;
  /** It ends in `/` or `/.`: a link there means what it leads to, which has to be a folder. */
  isFolder: boolean;
}

/** `..` goes back by words, before links are looked at, as docker has it. */
export function namedPath(text: string): NamedPath {
  const path = posix.normalize(`/${text}`);
  const plain = path === '/' ? '/' : path.replace(/\/$/, '');
  const dot = text === '.' || text.endsWith('/.');
  return {
    path: plain,
    name: dot ? '.' : plain === '/' ? '/' : posix.basename(plain),
    isFolder: dot || path.endsWith('/'),
  };
}

/** @throws Problem `not-found` in docker's words */
export function statIn(root: number, text: string, container: string): BigIntStats {
  const { path, isFolder } = namedPath(text);
  try {
    const stat = isFolder ? statBelow(root, path) : lstatBelow(root, path);
    if (!isFolder || stat.isDirectory()) return stat;
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) throw error;
  }
  throw notFound(text, container);
}

export function notFound(path: string, container: string): Problem {
  return new Problem('not-found', `Could not find the file ${path} in container ${container}`);
}

/** The facts of docker's header. */
export function pathStat(root: number, text: string, stat: BigIntStats): PathStat {
  const { name, path } = namedPath(text);
  return {
    name,
    size: Number(stat.size),
    mode: goFileMode(Number(stat.mode)),
    mtime: goTime(stat.mtimeNs),
    linkTarget: stat.isSymbolicLink() ? whereItLeads(root, path) : '',
  };
}

const GO_TYPES: [type: number, bits: number][] = [
  [constants.S_IFDIR, 2 ** 31],
  [constants.S_IFLNK, 2 ** 27],
  [constants.S_IFBLK, 2 ** 26],
  [constants.S_IFCHR, 2 ** 26 + 2 ** 21],
  [constants.S_IFIFO, 2 ** 25],
  [constants.S_IFSOCK, 2 ** 24],
];

/** Go's os.FileMode (package io/fs): the permissions, and its own bits for all else. */
export function goFileMode(mode: number): number {
  const type = GO_TYPES.find(([bits]) => (mode & constants.S_IFMT) === bits)?.[1] ?? 0;
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (mode & 0o777) + type + special;
}

/** RFC 3339 with as many digits as it takes, as Go's JSON has it. */
export function goTime(ns: bigint): string {
  const billion = 1_000_000_000n;
  const nanos = ((ns % billion) + billion) % billion;
  const seconds = new Date(Number((ns - nanos) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(nanos).padStart(9, '0').replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}

const MOST_LINKS = 255;

/** The path at the end of all links, inside the root, whether something is there or not. */
function whereItLeads(root: number, path: string): string {
  const rest = path.split('/').filter(Boolean);
  const done: string[] = [];
  for (let links = 0; rest.length > 0; ) {
    const part = rest.shift() as string;
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = [...done, part].join('/');
    if (lstatBelowIfThere(root, here)?.isSymbolicLink() !== true || ++links > MOST_LINKS) {
      done.push(part);
      continue;
    }
    const target = readlinkBelow(root, here);
    if (target.startsWith('/')) done.length = 0;
    rest.unshift(...target.split('/').filter(Boolean));
  }
  return `/${done.join('/')}`;
}
