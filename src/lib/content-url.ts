/** Where blobs are kept for good: on the disk of the data folder, or below a prefix of a bucket. */
export type ContentUrl = { kind: 'disk' } | BucketUrl;

export interface BucketUrl {
  /** `gs` is a bucket of Google's, asked by the calls that it shares with S3. */
  kind: 's3' | 'gs';
  bucket: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  prefix: string;
}

/** Bucket names of S3 and Cloud Storage, and in prefixes only what needs no encoding anywhere. */
const BUCKET = /^(s3|gs):\/\/([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])((?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)\/?$/;

/** Reads `disk`, `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`; undefined for anything else. */
export function parseContentUrl(text: string): ContentUrl | undefined {
  if (text === 'disk') return { kind: 'disk' };
  const match = BUCKET.exec(text);
  if (match === null) return undefined;
  return { kind: match[1] as 's3' | 'gs', bucket: match[2] as string, prefix: (match[3] as string).slice(1) };
}

/** The one spelling of a place, by which two are compared. */
export function contentUrlText(url: ContentUrl): string {
  if (url.kind === 'disk') return 'disk';
  return `${url.kind}://${url.bucket}${url.prefix === '' ? '' : `/${url.prefix}`}`;
}
