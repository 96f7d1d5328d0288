import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { type Digest, digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import type { RegistryClient } from '../../images/remote/client.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../content/content.ts';
import type { PullSource } from './pull-source.ts';
import type { UpstreamQuotas } from './rows.ts';
import { sightingClient } from './sighting-client.ts';
import type { UpstreamSightings } from './sightings.ts';
import { throughClient } from './through-client.ts';
import { UpstreamClients } from './upstream-clients.ts';

const bytes = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(bytes);
const descriptor = { mediaType: MEDIA.ociManifest, digest, size: bytes.length };
const reference = { host: 'docker.io', repository: 'library/python', tag: '3' };

function client(calls: string[], absent = false): RegistryClient {
  const answer = { descriptor, bytes, host: 'docker.io', servedBy: 'docker.io' };
  return {
    head: async () => (absent ? undefined : { ...descriptor, servedBy: 'docker.io' }),
    resolve: async () => {
      calls.push('resolve');
      if (absent) throw new Problem('not-found', 'manifest unknown');
      return answer;
    },
    manifest: async () => answer,
    blob: async () => Readable.from(['upstream']),
    hasBlob: async () => false,
  } as unknown as RegistryClient;
}

it('notes what a tag meant at each look, and that it was gone', async () => {
  const notes: string[] = [];
  const sightings = {
    noteTag: async ({ host, repository, tag }, seen) => void notes.push(`${host}/${repository}:${tag} ${seen}`),
    noteVanished: async ({ tag }) => void notes.push(`${tag} gone`),
  } as UpstreamSightings;
  const sighting = sightingClient(client([]), sightings);
  await sighting.head(reference);
  await sighting.resolve({ host: 'docker.io', repository: 'library/python' });
  await sighting.resolve({ ...reference, digest });
  expect(notes).toEqual([`docker.io/library/python:3 ${digest}`, `docker.io/library/python:latest ${digest}`]);
  notes.length = 0;
  const gone = sightingClient(client([], true), sightings);
  expect(await gone.head(reference)).toBeUndefined();
  await expect(gone.resolve(reference)).rejects.toMatchObject({ code: 'not-found' });
  expect(notes).toEqual(['3 gone']);
});

it('keeps one client per upstream, and of thousands those that were used last', () => {
  const clients = new UpstreamClients({}, {} as UpstreamQuotas);
  const of = (n: number) => clients.of({ url: `https://registry${n}.example`, dockerHub: false, freshSeconds: 60 });
  const [first, second] = [of(0), of(1)];
  for (let n = 2; n < 1000; n++) {
    of(n);
    expect(of(0)).toBe(first);
  }
  expect(of(1)).not.toBe(second);
  clients.close();
});

it('fails no pull because a note could not be written', async () => {
  const sightings = { noteTag: () => Promise.reject(new Error('disk full')) } as unknown as UpstreamSightings;
  expect(await sightingClient(client([]), sightings).head(reference)).toMatchObject({ digest });
});

it('pulls through a repository of ours what that stands for, and asks the registry for all else', async () => {
  const asked: string[] = [];
  const pulls = {
    manifest: async (key: string, tagOrDigest: string) => {
      asked.push(`${key} ${tagOrDigest}`);
      if (tagOrDigest === 'none') return undefined;
      return { manifest: { ...descriptor, createdAt: 0, renewedAt: 0 }, stored: true, warnings: [] };
    },
    blob: async (_: string, wanted: Digest) => ({
      info: { digest: wanted, size: 4 },
      stored: true,
      open: async () => Readable.from(['kept']),
    }),
    bring: async () => true,
    referrers: async () => ({ entries: [{ ...descriptor, createdAt: 0, renewedAt: 0 }], warnings: [] }),
  } as unknown as PullSource;
  const content = { read: async () => bytes } as unknown as ContentReader;
  const calls: string[] = [];
  const through = throughClient(client(calls), pulls, content, async (host, repository) =>
    host === 'docker.io' ? `l/p/hub/${repository}` : undefined,
  );
  expect(await through.head(reference)).toMatchObject({ digest });
  expect(await through.resolve({ ...reference, digest })).toMatchObject({ bytes, host: 'docker.io' });
  expect(await through.manifest('docker.io', 'library/python', digest)).toMatchObject({ descriptor });
  expect(asked).toEqual(['3', digest, digest].map((what) => `l/p/hub/library/python ${what}`));
  expect(String((await (await through.blob('docker.io', 'a/b', descriptor)).toArray())[0])).toBe('kept');
  expect(await through.hasBlob('docker.io', 'a/b', digest)).toBe(true);
  await expect(through.resolve({ ...reference, tag: 'none' })).rejects.toMatchObject({ code: 'not-found' });
  expect(await through.referrers('docker.io', 'a/b', digest)).toEqual([descriptor]);
  expect(await through.presentTags('docker.io', 'a/b', ['none', 'signed'])).toEqual(['signed']);
  expect(calls).toEqual([]);
  await through.resolve({ ...reference, host: 'quay.io' });
  expect(calls).toEqual(['resolve']);
});
