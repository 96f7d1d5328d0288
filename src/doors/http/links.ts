/**
 * The `Link` header that leads to the next page (RFC 8288): relative, so that it holds on whatever address the client
 * reached us by.
 */
export function nextLink(path: string, query: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `<${path}?${search}>; rel="next"`;
}
