/**
 * The page that a `Link` header (RFC 8288) leads to. A link to another host is not followed, since our token must not go
 * there.
 */
export function nextPage(link: string | undefined, current: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, current.href)) return undefined;
  const url = new URL(target, current.href);
  // Registries behind a proxy sometimes write their inner address; path and query are right all the same.
  return new URL(url.pathname + url.search, current.href);
}
