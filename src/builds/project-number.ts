import { createHash } from 'node:crypto';

/**
 * Google knows every project by an id and by a number, and clients meet both (resource names hold the number). Ours is
 * made from the id, so that it needs no row and is the same on every machine: 12 digits, the first never 0.
 */
export function projectNumber(project: string): string {
  const hash = createHash('sha256').update(`project number of ${project}`).digest();
  return String(100_000_000_000n + (hash.readBigUInt64BE() % 900_000_000_000n));
}
