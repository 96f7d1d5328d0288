import { expect } from 'vitest';
import { blobCases } from './blob-cases.ts';
import { type ConformanceCase, type Conversation, expectErrors, type Feature, unknownDigest } from './conversation.ts';
import { dataSets } from './data-sets.ts';
import { listReferrers } from './referrers.ts';
import { setCases } from './set-cases.ts';

/** What each version of the spec wants beyond what all want. */
export const PROFILES: Record<string, Feature[]> = {
  '1.0': [],
  '1.1': ['referrers', 'anonymous mount'],
  dev: ['referrers', 'anonymous mount', 'cancel', 'tag parameters'],
};

/** Every case, in the order in which they are played: what a set pushes, its own cases delete. */
export async function conformanceCases(): Promise<ConformanceCase[]> {
  return [
    { id: 'ping', run: async (to) => expect((await to.send('GET', '/v2/')).status).toBe(200) },
    { id: 'empty/tag list', run: expectNoTags },
    {
      id: 'empty/referrers',
      needs: 'referrers',
      run: async (to) => expect(await listReferrers(to, unknownDigest())).toEqual([]),
    },
    ...blobCases('sha256'),
    ...blobCases('sha512'),
    ...(await dataSets()).flatMap(setCases),
    ...MISSING,
    ...INVALID,
  ];
}

/** A repository to which nothing was pushed is unknown. */
async function expectNoTags(to: Conversation): Promise<void> {
  expectErrors(await to.send('GET', 'tags/list'), 404);
}

const MISSING: ConformanceCase[] = [
  {
    id: 'missing-manifest/by-digest',
    run: async (to) => expectErrors(await to.send('GET', `manifests/${unknownDigest()}`), 404),
  },
  {
    id: 'missing-manifest/by-tag',
    run: async (to) => expectErrors(await to.send('GET', 'manifests/nobody-pushed-this'), 404),
  },
];

const BAD_DIGESTS = [
  'sha256:baddigeststring',
  'sha256:',
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  `sha256:${'A'.repeat(64)}`,
];

/** Texts that are no digests are the client's mistake, never the server's failure. */
const INVALID: ConformanceCase[] = [
  forEachBadDigest('blob-post-put', async (to, digest) => {
    const begun = await to.send('POST', 'blobs/uploads/');
    expectErrors(await to.send('PUT', `${begun.headers.location}?digest=${digest}`, { body: Buffer.from('{}') }), 400);
    expect((await to.send('DELETE', String(begun.headers.location))).status).toBe(204);
  }),
  forEachBadDigest('manifest-put', async (to, digest) => {
    const body = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    expectErrors(await to.send('PUT', `manifests/${digest}`, { body }), 400);
  }),
  forEachBadDigest('manifest-get', async (to, digest) => {
    expect([400, 404]).toContain((await to.send('GET', `manifests/${digest}`)).status);
    expect([400, 404]).toContain((await to.send('HEAD', `manifests/${digest}`)).status);
  }),
  forEachBadDigest('delete/manifest-delete', async (to, digest) => {
    expect([400, 404]).toContain((await to.send('DELETE', `manifests/${digest}`)).status);
  }),
  forEachBadDigest('delete/blob-delete', async (to, digest) => {
    expect([400, 404]).toContain((await to.send('DELETE', `blobs/${digest}`)).status);
    expect([400, 404]).toContain((await to.send('GET', `blobs/${digest}`)).status);
  }),
];

function forEachBadDigest(step: string, run: (to: Conversation, digest: string) => Promise<void>): ConformanceCase {
  return {
    id: `invalid-digest-format/${step}`,
    run: async (to) => {
      for (const digest of BAD_DIGESTS) await run(to, digest);
    },
  };
}
