import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BucketObject, BucketReader } from '../../stores/buckets/buckets.ts';
import { fetchManifestSource } from './manifest-source.ts';

let workspace: string;
beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'slipway-manifest-'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

function buckets(objects: Record<string, string>): BucketReader {
  const found = (name: string) => objects[name];
  return {
    bucket: async () => undefined,
    buckets: async () => [],
    list: async () => ({ objects: [], prefixes: [] }),
    stat: async (bucket, name, generation = '7') => {
      const text = found(name);
      if (bucket !== 'b' || text === undefined || generation !== '7') return undefined;
      return { bucket, name, generation: '7', size: text.length } as BucketObject;
    },
    open: async ({ name }) => Readable.from([Buffer.from(found(name) ?? '')]),
  };
}

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

async function fetchFiles(manifest: unknown, objects: Record<string, string> = {}): Promise<string[]> {
  const lines: string[] = [];
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  const all = buckets({ ...objects, 'm.json': text });
  const signal = new AbortController().signal;
  await fetchManifestSource({ bucket: 'b', object: 'm.json' }, all, workspace, (line) => lines.push(line), signal);
  return lines;
}

describe('a source manifest', () => {
  it('brings every file from its object, by both kinds of address, checked by its hash', async () => {
    const lines = await fetchFiles(
      {
        'a/main.go': { sourceUrl: 'gs://b/x/1#7', sha1sum: sha1('package main'), mode: 0o755 },
        Dockerfile: { sourceUrl: 'https://storage.googleapis.com/b/2', sha1sum: sha1('FROM x').replace(/../g, '$&:') },
        __proto__x: { sourceUrl: 'gs://b/2' },
      },
      { 'x/1': 'package main', 2: 'FROM x' },
    );
    expect(await readFile(join(workspace, 'a/main.go'), 'utf8')).toBe('package main');
    expect((await stat(join(workspace, 'a/main.go'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(workspace, 'Dockerfile'))).mode & 0o777).toBe(0o555);
    expect(lines.slice(0, 2)).toEqual(['Fetching manifest gs://b/m.json#7.', 'Processing 3 files.']);
    expect(lines).toContain('Status:                      SUCCESS');
  });

  it.each<[what: string, manifest: unknown, message: RegExp]>([
    ['other bytes', { f: { sourceUrl: 'gs://b/1', sha1sum: sha1('y') } }, /^f SHA mismatch, got "[0-9a-f]{40}", want/],
    ['an object that is not there', { f: { sourceUrl: 'gs://b/none' } }, /f: could not find gs:\/\/b\/none/],
    ['another generation', { f: { sourceUrl: 'gs://b/1#8' } }, /could not find gs:\/\/b\/1#8/],
    ['a path that leads out', { '../f': { sourceUrl: 'gs://b/1' } }, /no path inside the workspace/],
    ['no path at all', { '/': { sourceUrl: 'gs://b/1' } }, /no path inside the workspace/],
    ['an address of no object', { f: { sourceUrl: '/etc/passwd' } }, /cannot parse bucket\/object/],
    [
      'a file that is a folder',
      { f: { sourceUrl: 'gs://b/1' }, 'f/g': { sourceUrl: 'gs://b/1' } },
      /as a file and as a folder/,
    ],
    ['something else', ['f'], /no source manifest/],
    ['no JSON', 'steps: []', /decoding JSON/],
  ])('with %s is refused in words', async (_what, manifest, message) => {
    await expect(fetchFiles(manifest, { 1: 'x' })).rejects.toMatchObject({
      code: expect.stringMatching(/invalid|not-found/),
      message: expect.stringMatching(message),
    });
  });
});
