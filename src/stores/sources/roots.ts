import type { Roots } from '../content/content.ts';
import type { SourceRows } from './rows.ts';

/** Packs keep their bytes until housekeeping forgets them. */
export function sourceRoots(rows: Pick<SourceRows, 'claimed'>): Roots {
  return { name: 'sources', claimed: (digests) => rows.claimed(digests) };
}
