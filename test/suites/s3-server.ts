import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import type { BucketSettings } from '../../src/adapters/s3/connect.ts';
import { isSigned } from './s3-signature.ts';

export interface S3Fault {
  /** An answer in place of the server's. */
  answer?: { status: number; code: string };
  /** The connection is cut after so many bytes of the answer. */
  cutAfter?: number;
  /** Runs before the request is looked at. */
  delay?: Promise<void>;
}

export interface S3Server {
  bucket: string;
  /** Folder of the bucket's objects, for whoever spoils them. */
  objects: string;
  settings: BucketSettings;
  /** What has been asked: `PUT /bucket/key`. */
  requests: string[];
  /** Asked for each request; undefined: it is served. */
  fault: (request: IncomingMessage) => S3Fault | undefined;
  stop(): Promise<void>;
  /** On the same port, with the same objects. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The only key that s3rver knows. */
const SECRET = 'S3RVER';

/** s3rver in this process on a port of its own, with what it lacks: a look at signatures, and a way to make it fail. */
export async function startS3(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-s3-'));
  const secretKeyFile = join(directory, 'secret');
  await writeFile(secretKeyFile, `${SECRET}\n`);
  const bucket = 'content';
  const s3rver = new S3rver({
    directory: join(directory, 'buckets'),
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  await s3rver.configureBuckets();
  const serve = s3rver.callback();
  let server: Server | undefined;
  let port = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    checkBody(request); // at once: a small body is in the same packet as its headers
    s3.requests.push(`${request.method} ${request.url}`);
    const fault = s3.fault(request);
    await fault?.delay;
    if (fault?.answer !== undefined) return refuse(request, response, fault.answer);
    if (!isSigned(request, SECRET)) return refuse(request, response, { status: 403, code: 'SignatureDoesNotMatch' });
    if (fault?.cutAfter !== undefined) cutAfter(response, fault.cutAfter);
    serve(request, response);
  };
  const s3: S3Server = {
    bucket,
    objects: join(directory, 'buckets', bucket),
    settings: { accessKeyId: 'S3RVER', secretKeyFile },
    requests: [],
    fault: () => undefined,
    async start() {
      server = createServer((request, response) => void handle(request, response));
      await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port;
    },
    async stop() {
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve));
    },
    async close() {
      await s3.stop();
      s3rver.logger.exceptions.unhandle();
      s3rver.logger.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await s3.start();
  s3.settings.endpoint = `http://127.0.0.1:${port}`;
  return s3;
}

/** A body other than the signed one breaks off, so that it is never stored. */
function checkBody(request: IncomingMessage): void {
  const signed = request.headers['x-amz-content-sha256'];
  if (typeof signed !== 'string' || !/^[0-9a-f]{64}$/.test(signed)) return;
  const hash = createHash('sha256');
  const push = request.push.bind(request);
  request.push = (chunk: Buffer | null) => {
    if (chunk !== null) hash.update(chunk);
    else if (hash.digest('hex') !== signed) request.destroy(new Error('the body is not the one that was signed'));
    return push(chunk);
  };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code }: { status: number; code: string },
) {
  request.resume();
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} for a test</Message></Error>`);
}

function cutAfter(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const { socket } = response; // an answer that has ended lets go of it
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
  response.write = ((chunk: Uint8Array) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    const more = write(part);
    if (left === 0) setTimeout(() => socket?.destroy(), 20);
    return more;
  }) as typeof response.write;
}
