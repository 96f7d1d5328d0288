import { createHash, createHmac } from 'node:crypto';

export interface Presigned {
  /** Of the object, without a query; its path needs no encoding. */
  url: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
  /** How long it may be used, a week at the most. */
  seconds: number;
  now: Date;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * A GET that needs no header: the signature is in the query ("Authenticating Requests: Using Query Parameters", AWS Signature
 * Version 4). Google's servers read the same one.
 */
export function presign({ url, region, credentials, seconds, now }: Presigned): string {
  const { host, pathname } = new URL(url);
  const time = `${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const query = Object.entries({
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    ...(credentials.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credentials.sessionToken }),
    'X-Amz-SignedHeaders': 'host',
  })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const request = ['GET', pathname, query, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const toSign = [ALGORITHM, time, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return `${url}?${query}&X-Amz-Signature=${createHmac('sha256', key).update(toSign).digest('hex')}`;
}
