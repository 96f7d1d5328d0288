import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

/** OCI image-spec descriptor.md: what it is, which bytes, how many of them. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
  urls?: string[];
  artifactType?: string;
  /** Base64 of the content itself, for tiny ones. */
  data?: string;
  /** Only in an index. */
  platform?: Platform;
}
