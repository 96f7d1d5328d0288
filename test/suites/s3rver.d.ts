/** As much as we use; the package has no types of its own. */
declare module 's3rver' {
  import type { RequestListener } from 'node:http';
  export default class S3rver {
    constructor(options: {
      directory: string;
      silent?: boolean;
      vhostBuckets?: boolean;
      configureBuckets?: { name: string; configs: [] }[];
    });
    configureBuckets(): Promise<unknown>;
    callback(): RequestListener;
    logger: { close(): void; exceptions: { unhandle(): void } };
  }
}
