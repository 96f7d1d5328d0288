import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { Connection } from './connect.ts';

export interface FileToStore {
  path: string;
  size: number;
  /** Hexadecimal, where it is known already. */
  sha256?: string | undefined;
}

interface Place {
  Bucket: string;
  Key: string;
}

type Again = <T>(work: () => Promise<T>) => Promise<T>;

/** A file up to this size goes in one request, a larger one in parts of it. What fails is sent again from the start of its part. */
const PART_BYTES = 32 << 20;
/** S3 takes 10,000. */
const MOST_PARTS = 9_000;
/** More don't make a fast link faster, and a slow one only times out. */
const PARTS_AT_ONCE = 4;

/**
 * Stores a file. Each request is signed with the SHA-256 of its bytes, so the server refuses what the network or a failing
 * disk changed. Parts become an object only at the end, and go when anything fails.
 */
export async function uploadFile(
  connection: Connection,
  place: Place,
  file: FileToStore,
  again: Again,
  signal?: AbortSignal,
): Promise<void> {
  if (file.size > PART_BYTES) return uploadParts(connection, place, file, again, signal);
  const { sdk, client } = connection;
  const sha256 = file.sha256 ?? (await hashOf(file.path, 0, file.size));
  await again(() =>
    sending(file.path, 0, file.size, (Body) => {
      const command = new sdk.PutObjectCommand({ ...place, Body, ContentLength: file.size });
      command.middlewareStack.add(signing(sha256), IN_BUILD);
      return client.send(command, signal === undefined ? {} : { abortSignal: signal });
    }),
  );
}

async function uploadParts(
  { sdk, client }: Connection,
  place: Place,
  { path, size }: FileToStore,
  again: Again,
  signal?: AbortSignal,
): Promise<void> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
  const parts = Math.ceil(size / partBytes);
  const { UploadId } = await again(() => client.send(new sdk.CreateMultipartUploadCommand(place)));
  const failed = new AbortController();
  const abortSignal = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const tags: (string | undefined)[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < parts && !abortSignal.aborted; index = next++) {
      const start = index * partBytes;
      const length = Math.min(partBytes, size - start);
      const sha256 = await hashOf(path, start, length);
      const part = { ...place, UploadId, PartNumber: index + 1, ContentLength: length };
      const { ETag } = await again(() =>
        sending(path, start, length, (Body) => {
          const command = new sdk.UploadPartCommand({ ...part, Body });
          command.middlewareStack.add(signing(sha256), IN_BUILD);
          return client.send(command, { abortSignal });
        }),
      );
      tags[index] = ETag;
    }
  };
  try {
    const workers = Array.from({ length: Math.min(PARTS_AT_ONCE, parts) }, () =>
      work().catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    );
    // the others have to have ended before the upload is: a part that comes later would keep its room
    const ended = await Promise.allSettled(workers);
    signal?.throwIfAborted();
    const broken = ended.filter((end) => end.status === 'rejected').map((end) => end.reason as unknown);
    if (broken.length > 0) throw broken.find((error) => !isAbort(error)) ?? broken[0];
    const Parts = tags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const whole = { ...place, UploadId, MultipartUpload: { Parts } };
    await again(() => client.send(new sdk.CompleteMultipartUploadCommand(whole)));
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId })).catch((left: unknown) => {
      log.warn({ key: place.Key, error: messageOf(left) }, 'parts of a broken upload stay in the bucket for a day');
    });
    throw error;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** A part of a file as the body of a request; the file is closed however the request ends. */
async function sending<T>(
  path: string,
  start: number,
  length: number,
  send: (body: ReturnType<typeof createReadStream> | Uint8Array) => Promise<T>,
): Promise<T> {
  if (length === 0) return send(new Uint8Array());
  const body = createReadStream(path, { start, end: start + length - 1, highWaterMark: 1 << 18 });
  try {
    return await send(body);
  } finally {
    body.destroy();
  }
}

async function hashOf(path: string, start: number, length: number): Promise<string> {
  const hash = createHash('sha256');
  if (length > 0)
    for await (const chunk of createReadStream(path, { start, end: start + length - 1, highWaterMark: 1 << 20 }))
      hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

const IN_BUILD = { step: 'build', name: 'bytesInSignature' } as const;

/** The SDK would leave a stream's bytes out of the signature. */
function signing(sha256: string) {
  return <Args extends { request: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
    (args: Args): Promise<Result> => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
      return next(args);
    };
}
