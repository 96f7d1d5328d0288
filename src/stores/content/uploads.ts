import type { Digest, DigestAlgorithm } from '../../images/digest.ts';
import type { BlobInfo } from './content.ts';

/**
 * Upload sessions: a blob that arrives in several requests.
 *
 * A session is a file of its own; its size is the offset, so it survives a restart (the digest is then measured again from
 * the file, because Node can't save the state of a hash). Bytes are measured as they pass. One request at a time writes;
 * a second one is refused. A finished session has become a blob; one that nobody touched for a day is swept.
 */
export interface UploadInfo {
  /** Random; safe in a URL and as a file name. */
  id: string;
  /** Whose it is: for the registry a repository key. Kept and given back, not looked into. */
  owner: string;
  /** Bytes stored so far. */
  size: number;
}

export interface AppendOptions {
  /** The offset that the caller believes in. */
  at: number;
  /** Bytes that must come, where that was said. */
  size?: number | undefined;
}

export interface UploadSessions {
  start(owner: string, algorithm?: DigestAlgorithm): Promise<UploadInfo>;
  find(id: string): Promise<UploadInfo | undefined>;
  /**
   * Appends what comes, and keeps what came when the source breaks, so that the client can go on from there.
   * @throws Problem `conflict` when `at` is not the present offset or another request is writing; `invalid` when fewer or
   * more than `size` bytes come (the session is then as it was before); `exhausted` on a full disk; `not-found`
   */
  append(id: string, source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<UploadInfo>;
  /**
   * Makes the session a blob, flushed, recorded and leased as by `ingest`; of the algorithm of `expected`, whatever the
   * session measured. Bytes with another digest leave neither blob nor session.
   * @throws Problem `invalid` on another digest, `conflict` while a request is writing, `not-found`
   */
  finish(id: string, expected: Digest): Promise<BlobInfo>;
  /** False when there was none. */
  cancel(id: string): Promise<boolean>;
}
