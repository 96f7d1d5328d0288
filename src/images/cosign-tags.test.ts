import { expect, it } from 'vitest';
import { cosignTags, isCompanionTag } from './cosign-tags.ts';
import { digestOf } from './digest.ts';
import { fallbackTag } from './fallback-tag.ts';

it('names signatures, attestations and SBOMs after the digest that they are about', () => {
  const hex = digestOf('x').slice('sha256:'.length);
  expect(cosignTags(digestOf('x'))).toEqual([`sha256-${hex}.sig`, `sha256-${hex}.att`, `sha256-${hex}.sbom`]);
  // cosign's would be longer than a tag may be
  expect(cosignTags(digestOf('x', 'sha512'))).toEqual([]);
});

it('tells tags that say something of another manifest from those of people', () => {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const digest = digestOf('x', algorithm);
    for (const tag of [fallbackTag(digest), ...cosignTags(digest)]) expect(isCompanionTag(tag)).toBe(true);
  }
  for (const tag of ['1.0.0', 'sha256-abc', `sha256-${'0'.repeat(64)}.zip`, `x-${'0'.repeat(64)}`])
    expect(isCompanionTag(tag)).toBe(false);
});
