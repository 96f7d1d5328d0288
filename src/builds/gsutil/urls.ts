/** A place that a gsutil argument names. */
export type Place = { kind: 'cloud'; bucket: string; path: string } | { kind: 'file'; path: string };

/** `gs://BUCKET/PATH`, or a file as the step sees it (`file://` may stand before it). */
export function parsePlace(text: string): Place {
  const cloud = /^gs:\/\/([^/]*)\/?(.*)$/s.exec(text);
  if (cloud !== null) return { kind: 'cloud', bucket: cloud[1] ?? '', path: cloud[2] ?? '' };
  return { kind: 'file', path: text.replace(/^file:\/\//, '') };
}

export function formatPlace(place: Place): string {
  return place.kind === 'cloud' ? `gs://${place.bucket}/${place.path}` : `file://${place.path}`;
}

const SPECIAL = /[*?[]/;

export function hasWildcard(text: string): boolean {
  return SPECIAL.test(text);
}

/** The part before the first wildcard: what a listing can be narrowed by. */
export function literalPrefix(text: string): string {
  const at = text.search(SPECIAL);
  return at < 0 ? text : text.slice(0, at);
}
