import { Problem } from '../../lib/problem.ts';

/** A repository and what of it is meant. */
export interface GitSource {
  /** As git takes it, without user and password where git would send them over http. */
  remote: string;
  /** `user:password` of an http(s) address. */
  credentials?: string | undefined;
  /** Branch, tag or commit; absent: what the repository's HEAD names. */
  ref?: string | undefined;
  /** Folder below the repository's root. */
  subdir?: string | undefined;
  /** Commit, or its beginning, that the ref has to be. */
  checksum?: string | undefined;
  keepGitDir?: boolean | undefined;
  /** False: submodules stay empty folders. */
  submodules?: boolean | undefined;
}

const QUERY = ['ref', 'branch', 'tag', 'commit', 'checksum', 'subdir', 'keep-git-dir', 'submodules'];

/**
 * `https://host/repo.git#ref:subdir`, `git@host:path#ref`, `ssh://`, `git://`, `github.com/owner/repo`, and the newer form
 * with `?ref=..&subdir=..`, as docker reads them.
 * @throws Problem `invalid`
 */
export function parseGitUrl(text: string): GitSource {
  const full = text.startsWith('github.com/') ? `https://${text}` : text;
  const hash = full.indexOf('#');
  const front = hash < 0 ? full : full.slice(0, hash);
  const fragment = hash < 0 ? '' : full.slice(hash + 1);
  const scp = /^[A-Za-z0-9._-]+@[^/:]+:./.test(front);
  const mark = front.indexOf('?');
  const address = mark < 0 ? front : front.slice(0, mark);
  const source: GitSource = scp ? { remote: address } : remoteOf(address, text);
  if (mark >= 0) readQuery(source, new URLSearchParams(front.slice(mark + 1)));
  const colon = fragment.indexOf(':');
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdir = colon < 0 ? '' : fragment.slice(colon + 1);
  if (ref !== '') source.ref = ref;
  if (subdir !== '') source.subdir = subdir;
  if (source.ref !== undefined) requireRef(source.ref);
  return source;
}

/** A ref as git may be given it: no option, no range, no pattern. @throws Problem `invalid` */
export function requireRef(ref: string): void {
  if (!/^[A-Za-z0-9_][^\s~^:?*[\\\0]*$/.test(ref))
    throw new Problem('invalid', `${JSON.stringify(ref)} is no name of a branch, tag or commit`);
}

function remoteOf(address: string, text: string): GitSource {
  if (!URL.canParse(address)) throw new Problem('invalid', `${withoutCredentials(text)} is no address of a repository`);
  const url = new URL(address);
  if (!['http:', 'https:', 'ssh:', 'git:'].includes(url.protocol))
    throw new Problem('denied', `${url.protocol}// is no protocol that repositories are fetched by`);
  const { username, password } = url;
  if (username === '' && password === '') return { remote: address };
  url.password = '';
  // ssh asks an agent and git:// nobody: a password in the address would only be shown
  if (!url.protocol.startsWith('http')) return { remote: password === '' ? address : url.href };
  url.username = '';
  return { remote: url.href, credentials: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
}

/** Also of what is no address: whatever stands between `//` and the last `@` before the path. */
function withoutCredentials(text: string): string {
  return text.replace(/(:\/\/)[^/?#]*@/, '$1');
}

function readQuery(source: GitSource, query: URLSearchParams): void {
  const refs: string[] = [];
  for (const [key, value] of query) {
    if (!QUERY.includes(key))
      throw new Problem('invalid', `${source.remote}: unknown key ${JSON.stringify(key)}`, {
        hint: `Keys: ${QUERY.join(', ')}.`,
      });
    if (key === 'ref') refs.push(value);
    else if (key === 'branch') refs.push(`refs/heads/${value}`);
    else if (key === 'tag') refs.push(`refs/tags/${value}`);
    else if (key === 'subdir') source.subdir = value;
    else if (key === 'keep-git-dir') source.keepGitDir = isOn(value);
    else if (key === 'submodules') source.submodules = isOn(value);
    else source.checksum = value;
  }
  if (refs.length > 1)
    throw new Problem('invalid', `${source.remote}: ref, branch and tag say the same thing: write one of them`);
  const [ref] = refs;
  if (ref !== undefined) source.ref = ref;
}

/** A key alone says yes. */
function isOn(value: string): boolean {
  return value === '' || value === '1' || value === 'true';
}
