import { expect } from 'vitest';
import { MEDIA } from '../../../src/images/media-types.ts';
import type { RegistryAnswer } from '../../wire/registry-call.ts';
import {
  type ConformanceCase,
  type Conversation,
  expectBytes,
  expectErrors,
  expectHead,
  locationOf,
} from './conversation.ts';
import type { DataSet } from './data-sets.ts';
import { expectReferrers } from './referrers.ts';
import type { SetManifest } from './set-builder.ts';
import { upload } from './uploads.ts';

/** Everything about one data set: its push, its names, its pull and its end. */
export function setCases(set: DataSet): ConformanceCase[] {
  const { blobs, manifests } = set;
  const tagged = manifests.flatMap((manifest) => manifest.tags.map((tag) => ({ tag, manifest })));
  const stored = set.refused ? [] : manifests;
  const referrers = manifests.filter((manifest) => manifest.subject !== undefined);
  const cases: ConformanceCase[] = [];
  const add = (step: string, run: ConformanceCase['run'], needs = set.needs) =>
    cases.push({ id: `${set.name}/${step}`, run, ...(needs === undefined ? {} : { needs }) });
  /** One case for all things of a kind; none when the set has none. */
  const each = <T>(things: readonly T[], step: string, run: (to: Conversation, thing: T) => Promise<void>) => {
    if (things.length > 0)
      add(step, async (to) => {
        for (const thing of things) await run(to, thing);
      });
  };

  for (const way of set.ways) each(blobs, `push/${way}`, (to, blob) => upload(to, way, blob));
  each(manifests, 'push/manifest-by-digest', async (to, manifest) => {
    const answer = await put(to, manifest, `${manifest.digest}${tagQuery(set, manifest.tags)}`);
    if (set.refused) expectErrors(answer, 400);
    else await expectPushed(to, answer, manifest, set.tagParameters ? manifest.tags : []);
  });
  each(tagged, 'push/manifest-by-tag', async (to, { tag, manifest }) => {
    const answer = await put(to, manifest, set.tagParameters ? `${manifest.digest}${tagQuery(set, [tag])}` : tag);
    await expectPushed(to, answer, manifest, set.tagParameters ? [tag] : []);
  });
  add('tag-list', (to) =>
    expectTags(
      to,
      tagged.map(({ tag }) => tag),
    ),
  );
  each(tagged, 'head/manifest-head-by-tag', (to, { tag, manifest }) => head(to, tag, manifest));
  each(stored, 'head/manifest-head-by-digest', (to, manifest) => head(to, manifest.digest, manifest));
  each(blobs, 'head/blob-head', async (to, { digest, bytes }) =>
    expectHead(await to.send('HEAD', `blobs/${digest}`), bytes, digest),
  );
  each(tagged, 'pull/manifest-by-tag', (to, { tag, manifest }) => pull(to, `manifests/${tag}`, manifest));
  each(stored, 'pull/manifest-by-digest', (to, manifest) => pull(to, `manifests/${manifest.digest}`, manifest));
  each(blobs, 'pull/blob-get', async (to, { digest, bytes }) =>
    expectBytes(await to.send('GET', `blobs/${digest}`), bytes, digest),
  );
  if (referrers.length > 0) add('referrers', (to) => expectReferrers(to, referrers), 'referrers');
  each(tagged, 'delete/tag-delete', (to, { tag, manifest }) => deleteTag(to, tag, manifest));
  each([...manifests].reverse(), 'delete/manifest-delete', (to, { digest }) =>
    deleteNow(to, `manifests/${digest}`, set.refused ? 404 : 202),
  );
  each(blobs, 'delete/blob-delete', (to, { digest }) => deleteNow(to, `blobs/${digest}`, 202));
  return cases;
}

/** Both kinds in lines of their own, as some clients send them. */
const ACCEPT = { Accept: [MEDIA.ociIndex, MEDIA.ociManifest] };

function tagQuery({ tagParameters }: DataSet, tags: string[]): string {
  return tagParameters && tags.length > 0 ? `?${tags.map((tag) => `tag=${tag}`).join('&')}` : '';
}

function put(to: Conversation, { mediaType, bytes }: SetManifest, reference: string): Promise<RegistryAnswer> {
  return to.send('PUT', `manifests/${reference}`, { headers: { 'Content-Type': mediaType }, body: bytes });
}

async function expectPushed(
  to: Conversation,
  answer: RegistryAnswer,
  manifest: SetManifest,
  tags: string[],
): Promise<void> {
  expect(answer.status, answer.body.toString()).toBe(201);
  expect(answer.headers['docker-content-digest']).toBe(manifest.digest);
  if (to.features.has('referrers')) expect(answer.headers['oci-subject']).toBe(manifest.subject);
  if (tags.length > 0)
    expect(
      String(answer.headers['oci-tag'])
        .split(/\s*,\s*/)
        .sort(),
    ).toEqual([...tags].sort());
  await pull(to, locationOf(answer), manifest);
}

async function pull(to: Conversation, path: string, { digest, bytes, mediaType }: SetManifest): Promise<void> {
  const answer = await to.send('GET', path, { headers: ACCEPT });
  expectBytes(answer, bytes, digest);
  expect(answer.headers['content-type']).toBe(mediaType);
}

async function head(to: Conversation, reference: string, { digest, bytes, mediaType }: SetManifest): Promise<void> {
  const answer = await to.send('HEAD', `manifests/${reference}`, { headers: ACCEPT });
  expectHead(answer, bytes, digest);
  expect(answer.headers['content-type']).toBe(mediaType);
}

/** All of them are listed, in byte order, and a list may begin behind any of them. */
async function expectTags(to: Conversation, pushed: string[]): Promise<void> {
  const list = async (query: string) => {
    const answer = await to.send('GET', `tags/list${query}`);
    expect(answer.status, answer.body.toString()).toBe(200);
    const body = JSON.parse(answer.body.toString()) as { name: string; tags: string[] };
    expect(body.name).toBe(to.repository);
    return body.tags;
  };
  const all = await list('');
  expect(all).toEqual([...all].sort());
  expect(all).toEqual(expect.arrayContaining(pushed));
  const last = [...pushed].sort()[Math.floor(pushed.length / 2)];
  if (last === undefined) return;
  expect(await list(`?last=${last}`)).toEqual(all.filter((tag) => tag > last));
}

/** The tag goes, what it named stays. */
async function deleteTag(to: Conversation, tag: string, manifest: SetManifest): Promise<void> {
  await deleteNow(to, `manifests/${tag}`, 202);
  await head(to, manifest.digest, manifest);
}

async function deleteNow(to: Conversation, path: string, status: number): Promise<void> {
  const answer = await to.send('DELETE', path);
  expect(answer.status, answer.body.toString()).toBe(status);
  expect((await to.send('HEAD', path)).status).toBe(404);
}
