import { readFile } from 'node:fs/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { BucketUrl } from '../../lib/content-url.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';

export interface BucketSettings {
  /** Base URL of a server that speaks S3; absent: the provider's own. */
  endpoint?: string | undefined;
  region?: string | undefined;
  /** The bucket's name in the path and not in the host; by default where an endpoint is given. */
  pathStyle?: boolean | undefined;
  accessKeyId?: string | undefined;
  /** Where the secret of `accessKeyId` is read. Without the two, the SDK looks where it always does. */
  secretKeyFile?: string | undefined;
}

export type Sdk = typeof import('@aws-sdk/client-s3');

export interface Connection {
  sdk: Sdk;
  client: S3Client;
  /** What objects' addresses begin with, the bucket included, without a slash at the end. */
  base: string;
}

const GOOGLE = 'https://storage.googleapis.com';
const CONNECT_MS = 5_000;
/** Nothing moves for so long: the connection is dead. */
const SILENT_MS = 60_000;
/** A slow reader keeps its connection; fifty, the SDK's own limit, would keep everybody else waiting. */
const CONNECTIONS = 256;

/**
 * Loads the SDK, which takes 0.1 s and 22 MB, so that only those who need it pay. Retries are ours (see bucket.ts): the SDK
 * can't repeat what it reads from a file.
 * @throws Problem `unsupported` when the SDK isn't installed, `invalid` when the secret can't be read
 */
export async function connect(url: BucketUrl, settings: BucketSettings): Promise<Connection> {
  const sdk = await loadSdk();
  const endpoint =
    settings.endpoint ??
    (url.kind === 'gs' ? GOOGLE : (process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']));
  const region =
    settings.region ?? process.env['AWS_REGION'] ?? (endpoint === undefined ? undefined : OF_KIND[url.kind]);
  const pathStyle = settings.pathStyle ?? (endpoint !== undefined || url.bucket.includes('.'));
  const agent = { maxSockets: CONNECTIONS, keepAlive: true };
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(settings.accessKeyId === undefined ? {} : { credentials: await keysOf(settings) }),
    forcePathStyle: pathStyle,
    followRegionRedirects: endpoint === undefined,
    maxAttempts: 1,
    logger: SILENT,
    // every upload carries its SHA-256 already, and not every server of this protocol knows the newer checksums
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENT_MS, httpAgent: agent, httpsAgent: agent },
  });
  const own = endpoint ?? `https://s3.${await regionOf(client)}.amazonaws.com`;
  return { sdk, client, base: baseOf(own, url.bucket, pathStyle) };
}

/** Whatever goes wrong is thrown; the SDK would tell the terminal of it besides. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
/** What servers expect in the signature where nobody said anything. */
const OF_KIND = { s3: 'us-east-1', gs: 'auto' };

async function loadSdk(): Promise<Sdk> {
  // it would say on every start that it prefers a newer Node; on which ones we run is tested
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  try {
    return await import('@aws-sdk/client-s3');
  } catch (error) {
    if (!hasErrorCode(error, 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new Problem(
      'unsupported',
      'content in a bucket needs the package @aws-sdk/client-s3, which is not installed',
      {
        hint: 'It is an optional dependency: npm install @aws-sdk/client-s3',
        cause: error,
      },
    );
  }
}

async function keysOf({ accessKeyId = '', secretKeyFile = '' }: BucketSettings) {
  try {
    return { accessKeyId, secretAccessKey: (await readFile(secretKeyFile, 'utf8')).trim() };
  } catch (error) {
    throw new Problem('invalid', `the secret key of the bucket can't be read: ${messageOf(error)}`, {
      hint: 'content.secretKeyFile of slipway.yaml names the file.',
      cause: error,
    });
  }
}

async function regionOf(client: S3Client): Promise<string> {
  try {
    return await client.config.region();
  } catch (error) {
    throw new Problem('invalid', `the region of the bucket is unknown: ${messageOf(error)}`, {
      hint: 'Set content.region in slipway.yaml, or AWS_REGION.',
      cause: error,
    });
  }
}

function baseOf(endpoint: string, bucket: string, pathStyle: boolean): string {
  const url = new URL(endpoint);
  if (!pathStyle) url.host = `${bucket}.${url.host}`;
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path}${pathStyle ? `/${bucket}` : ''}`;
}
