import { Problem } from '../../lib/problem.ts';

/** Cloud Storage's rule for buckets without a verified domain ("Bucket naming guidelines"), up to 222 with dots. */
const BUCKET = /^[a-z0-9](?:[a-z0-9_.-]{1,220})[a-z0-9]$/;
const OBJECT_NAME_BYTES = 1024;

/** @throws Problem `invalid` */
export function requireBucketName(name: string): void {
  if (BUCKET.test(name) && !name.includes('..') && name.split('.').every((part) => part.length <= 63)) return;
  throw new Problem('invalid', `not a bucket name: ${JSON.stringify(name.slice(0, 250))}`, {
    hint: 'A bucket name has 3 to 63 lower-case letters, digits, hyphens, underscores or dots, and begins and ends with a letter or digit.',
  });
}

/** @throws Problem `invalid` */
export function requireObjectName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > 0 && bytes <= OBJECT_NAME_BYTES && !/[\r\n\0]/.test(name) && name !== '.' && name !== '..') return;
  throw new Problem('invalid', `not an object name: ${JSON.stringify(name.slice(0, 100))}`, {
    hint: 'An object name has 1 to 1024 bytes, without line ends, and is neither "." nor "..".',
  });
}
