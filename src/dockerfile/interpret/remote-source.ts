/** Whether ADD has to fetch this: an http(s) URL or a git repository. */
export function isRemoteSource(source: string): boolean {
  return /^https?:\/\//i.test(source) || isGitSource(source);
}

/** `git@host:path`, `git://`, `ssh://git@`, or an http(s) URL whose path ends in `.git`. */
export function isGitSource(source: string): boolean {
  return (
    /^(?:git|ssh):\/\//.test(source) ||
    /^[A-Za-z0-9._-]+@[^/:]+:./.test(source) ||
    /^https?:\/\/[^?#]*\.git(?:[?#].*)?$/i.test(source)
  );
}
