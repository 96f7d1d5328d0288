import type { Readable } from 'node:stream';
import { type BucketUrl, contentUrlText } from '../../lib/content-url.ts';
import { retry } from '../../lib/retry.ts';
import type { ByteRange } from '../../stores/content/content.ts';
import { bucketProblem, isMissing, mayPass } from './bucket-problem.ts';
import { type BucketSettings, type Connection, connect } from './connect.ts';
import { presign } from './presign.ts';
import { type FileToStore, uploadFile } from './upload-file.ts';

export interface StoredObject {
  key: string;
  size: number;
  /** Milliseconds since 1970. */
  modifiedAt: number;
}

/** With the doubled pauses, a server that restarts within three seconds is not noticed. */
const ATTEMPTS = 5;
const PAUSE_MS = 200;

/**
 * Objects below one prefix of a bucket, by keys without the prefix. Each call is repeated while the trouble may pass; then
 * it throws a Problem `unavailable` that names the bucket. Nothing is loaded or asked before the first call.
 *
 * Not named like the property `Bucket` of the SDK's requests: TypeScript 7.0.2 would rename that with the class in dist/.
 */
export class ObjectBucket {
  /** As in the settings. */
  readonly url: string;
  readonly #place: BucketUrl;
  readonly #settings: BucketSettings;
  #connection: Promise<Connection> | undefined;

  constructor(place: BucketUrl, settings: BucketSettings) {
    this.url = contentUrlText(place);
    this.#place = place;
    this.#settings = settings;
  }

  /** Size and date, or undefined when there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return this.#ask(async ({ sdk, client }) => {
      const found = await client.send(new sdk.HeadObjectCommand(this.#at(key)), abort(signal)).catch(missing);
      if (found === undefined) return undefined;
      return { key, size: found.ContentLength ?? 0, modifiedAt: found.LastModified?.getTime() ?? 0 };
    }, signal);
  }

  /** The bytes, as they come; the stream may break off and must be read or destroyed. */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable | undefined> {
    const part = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
    return this.#ask(async ({ sdk, client }) => {
      const found = await client
        .send(new sdk.GetObjectCommand({ ...this.#at(key), ...part }), abort(signal))
        .catch(missing);
      return found?.Body as Readable | undefined;
    }, signal);
  }

  /** Stores a file under a key; until all of it is there, none of it is to be seen. */
  async putFile(key: string, file: FileToStore, signal?: AbortSignal): Promise<void> {
    await this.#tell((connection) =>
      uploadFile(connection, this.#at(key), file, (work) => this.#again(work, signal), signal),
    );
  }

  async putText(key: string, text: string): Promise<void> {
    const body = { Body: text, ContentType: 'application/json' };
    await this.#ask(({ sdk, client }) => client.send(new sdk.PutObjectCommand({ ...this.#at(key), ...body })));
  }

  /** A small object's text. */
  getText(key: string): Promise<string | undefined> {
    return this.#ask(async ({ sdk, client }) => {
      const found = await client.send(new sdk.GetObjectCommand(this.#at(key))).catch(missing);
      return found?.Body?.transformToString();
    });
  }

  /** Also when there is none. */
  async delete(key: string): Promise<void> {
    await this.#ask(({ sdk, client }) => client.send(new sdk.DeleteObjectCommand(this.#at(key))).catch(missing));
  }

  /** Every object whose key begins so, as many at a time as the server gives (1000). */
  async *list(prefix: string): AsyncGenerator<StoredObject[]> {
    const { Bucket: name, Key } = this.#at(prefix);
    let token: string | undefined;
    do {
      const after = token === undefined ? {} : { ContinuationToken: token };
      const page = await this.#ask(({ sdk, client }) =>
        client.send(new sdk.ListObjectsV2Command({ Bucket: name, Prefix: Key, ...after })),
      );
      const skipped = Key.length - prefix.length;
      const objects = (page.Contents ?? []).map((found) => ({
        key: (found.Key ?? '').slice(skipped),
        size: found.Size ?? 0,
        modifiedAt: found.LastModified?.getTime() ?? 0,
      }));
      if (objects.length > 0) yield objects;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** Ends uploads in parts that were begun before then and whose process died: they cost room, and no listing shows them. */
  async dropUnfinished(before: number): Promise<number> {
    const { Bucket: name, Key } = this.#at('');
    const page = await this.#ask(({ sdk, client }) =>
      client.send(new sdk.ListMultipartUploadsCommand({ Bucket: name, Prefix: Key })),
    );
    const old = (page.Uploads ?? []).filter((upload) => (upload.Initiated?.getTime() ?? before) < before);
    for (const { Key: key, UploadId } of old)
      await this.#ask(({ sdk, client }) =>
        client.send(new sdk.AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId })).catch(missing),
      );
    return old.length;
  }

  /** An address under which everybody may read the object for so long. */
  link(key: string, seconds: number): Promise<string> {
    return this.#tell(async ({ client, base }) =>
      presign({
        url: `${base}/${this.#at(key).Key}`,
        region: await client.config.region(),
        credentials: await client.config.credentials(),
        seconds,
        now: new Date(),
      }),
    );
  }

  async close(): Promise<void> {
    (await this.#connection?.catch(() => undefined))?.client.destroy();
  }

  #at(key: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.#place;
    return { Bucket: bucket, Key: prefix === '' ? key : `${prefix}/${key}` };
  }

  #ask<T>(work: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#tell((connection) => this.#again(() => work(connection), signal));
  }

  #again<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return retry(work, { attempts: ATTEMPTS, delay: PAUSE_MS, retryable: mayPass, signal });
  }

  async #tell<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#connection ??= connect(this.#place, this.#settings);
    this.#connection.catch(() => {
      this.#connection = undefined; // a secret that was not there yet is looked for again
    });
    try {
      return await work(await this.#connection);
    } catch (error) {
      throw bucketProblem(error, this.url);
    }
  }
}

function missing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

function abort(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
