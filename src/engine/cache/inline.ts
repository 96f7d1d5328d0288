import { z } from 'zod';
import { type Digest, isDigest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import type { ForeignRecord } from './imported.ts';

/**
 * The cache inside an image: BuildKit's records in the key that it keeps for them, base64 of JSON. A record of BuildKit is a
 * digest, the records that it stands on, and the index of the layer that it made. BuildKit reads ours without complaint
 * and finds nothing, because its digests of operations are its own; ours are found through what we add to each record,
 * which BuildKit skips. In the other direction its images are read by their history (image-history.ts).
 */
export const INLINE_CACHE = 'moby.buildkit.cache.v0';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');
const schema = z.array(
  z.object({
    digest,
    layers: z.array(z.object({ layer: z.number().int().min(0), createdAt: z.string().optional() })).optional(),
    slipway: z.object({ contentDigest: digest.optional(), text: z.string(), createdAt: z.number() }).optional(),
  }),
);

/** @param layers of the image; a record of a layer that the image doesn't have is left out, as BuildKit does */
export function inlineCache(records: readonly ForeignRecord[], layers: readonly Layer[]): string {
  const written = [...records]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .flatMap((record) => {
      const at = layers.findIndex(({ diffID }) => diffID === record.layer?.diffID);
      if (record.layer !== undefined && at < 0) return [];
      const { key, contentDigest, text, createdAt } = record;
      return [
        {
          digest: `sha256:${key}`,
          ...(at < 0 ? {} : { layers: [{ layer: at, createdAt: new Date(createdAt).toISOString() }] }),
          slipway: { ...(contentDigest === undefined ? {} : { contentDigest }), text, createdAt },
        },
      ];
    });
  return Buffer.from(JSON.stringify(written)).toString('base64');
}

/** Our own records of an image; none when it has no inline cache, or one that BuildKit wrote. */
export function readInlineCache(config: object, layers: readonly Layer[]): ForeignRecord[] {
  const text: unknown = (config as Record<string, unknown>)[INLINE_CACHE];
  if (typeof text !== 'string') return [];
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    return [];
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return [];
  return parsed.data.flatMap(({ digest: name, layers: made = [], slipway }) => {
    if (slipway === undefined) return [];
    const layer = made[0] === undefined ? undefined : layers[made[0].layer];
    if (made[0] !== undefined && layer === undefined) return [];
    const key = name.slice('sha256:'.length);
    return [{ key, layer, ...slipway, position: '', inputs: [], durationMs: 0 }];
  });
}
