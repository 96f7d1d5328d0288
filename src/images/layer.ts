import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';

/**
 * The difference that one operation made: `diffID` names the tar (what a snapshot is built from), `blob` the bytes as they
 * are stored and sent (compressed, or the tar itself, then digest = diffID).
 */
export interface Layer {
  diffID: Digest;
  blob: Descriptor;
}
