import { isGitSource } from '../../dockerfile/interpret/remote-source.ts';

/** An address that may carry a token or a password, without them: a file's query may be a signature, a repository's is not. */
export function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.username = '';
  url.password = '';
  if (!isGitSource(text)) url.search = '';
  return url.href;
}

/** An address without user, password and query, which may be a signature. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}
