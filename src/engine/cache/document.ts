import { z } from 'zod';
import { type Digest, isDigest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { CacheInput } from './cache.ts';
import type { ForeignRecord } from './imported.ts';
import { looksSecret } from './inputs.ts';

/**
 * Type of the artifact and of its config, which holds the records. The layers that they name are layers of the manifest
 * too, so that a registry keeps them.
 */
export const CACHE_TYPE = 'application/vnd.slipway.cache.v1+json';

/** Longest document that is read: some ten thousand steps. */
export const DOCUMENT_LIMIT = 64 << 20;

/** Files of one step that are named for explanations elsewhere; a step with more is exported without. */
const NAMED_FILES = 500;

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');
const descriptor = z.object({ mediaType: z.string(), digest, size: z.number().int().min(0) });
const input = z.object({ kind: z.string(), name: z.string(), value: z.string(), shown: z.string().optional() });
const record = z.object({
  key: z.string().regex(/^[0-9a-f]{64}$/),
  layer: z.object({ diffID: digest, blob: descriptor }).optional(),
  contentDigest: digest.optional(),
  position: z.string(),
  text: z.string(),
  inputs: z.array(input),
  durationMs: z.number(),
  createdAt: z.number(),
});
const documentSchema = z.object({ version: z.literal(1), records: z.array(record) });

/** The same records give the same bytes, whatever order they were used in: an unchanged cache has an unchanged digest. */
export function writeDocument(records: readonly ForeignRecord[]): Buffer {
  const sorted = [...records].sort((a, b) => (a.key < b.key ? -1 : 1));
  return Buffer.from(JSON.stringify({ version: 1, records: sorted.map(published) }));
}

/** @throws Problem `invalid` */
export function readDocument(bytes: Uint8Array): ForeignRecord[] {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Problem('invalid', 'the cache is not JSON', { cause: error });
  }
  const result = documentSchema.safeParse(json);
  if (result.success) return result.data.records;
  const issue = result.error.issues[0];
  throw new Problem(
    'invalid',
    `the cache has a record that can't be read: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}

function published({ key, layer, contentDigest, position, text, inputs, durationMs, createdAt }: ForeignRecord) {
  const blob = layer && { mediaType: layer.blob.mediaType, digest: layer.blob.digest, size: layer.blob.size };
  return {
    key,
    ...(layer === undefined ? {} : { layer: { diffID: layer.diffID, blob } }),
    ...(contentDigest === undefined ? {} : { contentDigest }),
    position,
    text,
    inputs: publishedInputs(inputs),
    durationMs,
    createdAt,
  };
}

/** A digest of a short secret can be guessed, and whoever may pull the cache reads this; its text was never kept. */
function publishedInputs(inputs: readonly CacheInput[]): CacheInput[] {
  const files = inputs.filter(({ kind }) => kind === 'file').length;
  return inputs
    .filter(({ kind }) => kind !== 'file' || files <= NAMED_FILES)
    .map((each) => (looksSecret(each.name) && each.kind !== 'file' ? { ...each, value: '' } : each));
}
