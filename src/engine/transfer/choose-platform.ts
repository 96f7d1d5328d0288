import type { Descriptor } from '../../images/descriptor.ts';
import type { ImageIndex } from '../../images/manifest.ts';
import { formatPlatform, type Platform, platformMatches } from '../../images/platform.ts';
import { Problem } from '../../lib/problem.ts';

/**
 * The manifest of an index that serves a platform: the one of the same variant if there is one. Attestations, which stand
 * in an index as `unknown/unknown`, are none.
 * @throws Problem `not-found` that lists the platforms that are there
 */
export function choosePlatform(index: ImageIndex, want: Platform, name: string): Descriptor {
  const images = index.manifests.filter((entry) => entry.platform?.os !== 'unknown');
  const fitting = images.filter((entry) => entry.platform === undefined || platformMatches(entry.platform, want));
  const best = fitting.find((entry) => entry.platform?.variant === want.variant) ?? fitting[0];
  if (best !== undefined) return best;
  const there = images.flatMap((entry) => (entry.platform === undefined ? [] : [formatPlatform(entry.platform)]));
  throw new Problem('not-found', `no matching manifest for ${formatPlatform(want)} in the manifest list entries`, {
    hint: `${name} is there for ${there.length === 0 ? 'no platform at all' : [...new Set(there)].join(', ')}. Ask for one of them with --platform.`,
  });
}
