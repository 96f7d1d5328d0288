import { expect } from 'vitest';
import { MEDIA } from '../../../src/images/media-types.ts';
import type { Conversation } from './conversation.ts';
import type { SetManifest } from './set-builder.ts';

interface Listed {
  digest: string;
  artifactType?: string;
}

/** That the referrers of these manifests' subjects are listed, all of them, and by type. */
export async function expectReferrers(to: Conversation, pushed: SetManifest[]): Promise<void> {
  for (const subject of new Set(pushed.map((manifest) => manifest.subject ?? ''))) {
    const expected = pushed.filter((manifest) => manifest.subject === subject);
    const all = await listReferrers(to, subject);
    for (const manifest of expected) {
      const listed = all.find(({ digest }) => digest === manifest.digest);
      expect(listed).toMatchObject(descriptorOf(manifest));
      if (manifest.artifactType === undefined) expect(listed).not.toHaveProperty('artifactType');
    }
    for (const type of new Set(expected.flatMap(({ artifactType }) => artifactType ?? []))) {
      const some = await listReferrers(to, subject, type);
      const wanted = expected.filter(({ artifactType }) => artifactType === type).map(({ digest }) => digest);
      expect(some.map(({ digest }) => digest).sort()).toEqual(wanted.sort());
    }
  }
}

/** One list, checked for what holds of every list. */
export async function listReferrers(to: Conversation, subject: string, type?: string): Promise<Listed[]> {
  const query = type === undefined ? '' : `?artifactType=${encodeURIComponent(type)}`;
  const answer = await to.send('GET', `referrers/${subject}${query}`);
  expect(answer.status, answer.body.toString()).toBe(200);
  expect(answer.headers['content-type']).toBe(MEDIA.ociIndex);
  if (type !== undefined) expect(answer.headers['oci-filters-applied']).toContain('artifactType');
  const index = JSON.parse(answer.body.toString()) as { manifests: Listed[] };
  expect(index).toMatchObject({ schemaVersion: 2, mediaType: MEDIA.ociIndex });
  return index.manifests;
}

function descriptorOf({ mediaType, digest, bytes, artifactType, annotations }: SetManifest) {
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
