import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { unpackLayer } from '../../../src/engine/snapshots/unpack.ts';
import { MergedTree } from '../../../src/engine/trees/merged-tree.ts';
import { decompress } from '../../../src/images/decompress.ts';
import type { TarHeader } from '../../../src/images/tar/header.ts';
import { readTar } from '../../../src/images/tar/read.ts';
import { writeTar } from '../../../src/images/tar/write.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { makeOutside } from '../hostile-layers/outside.ts';
import { type RawEntry, rawTar } from '../hostile-layers/raw-tar.ts';
import { packed } from './packed.ts';

/** How often a property is tried; fast-check prints the seed of a failure, which `seed` then repeats. */
export interface Effort {
  runs: number;
  seed?: number;
}

function parameters({ runs, seed }: Effort) {
  return seed === undefined ? { numRuns: runs } : { numRuns: runs, seed };
}

const name = fc.stringMatching(/^[a-zé. -]{1,12}$/).filter((text) => !/^\.+$/.test(text) && !text.startsWith('.wh.'));
const path = fc.array(name, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/'));

const header: fc.Arbitrary<{ header: TarHeader; body: Uint8Array }> = fc
  .record({
    name: path,
    type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'char-device', 'fifo'),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    mtime: fc.integer({ min: -(2 ** 33), max: 2 ** 36 }),
    mtimeNanos: fc.integer({ min: 1, max: 999_999_999 }),
    body: fc.uint8Array({ maxLength: 1500 }),
    xattr: fc.option(fc.uint8Array({ maxLength: 80 })),
  })
  .map(({ body, xattr, ...rest }) => {
    const made: TarHeader = {
      ...rest,
      type: rest.type as TarHeader['type'],
      size: rest.type === 'file' ? body.length : 0,
    };
    if (rest.type === 'symlink' || rest.type === 'hardlink') made.linkname = rest.name;
    if (rest.type === 'char-device') Object.assign(made, { devmajor: rest.mode, devminor: rest.mode });
    if (xattr !== null) made.xattrs = new Map([['user.note', xattr]]);
    return { header: made, body: rest.type === 'file' ? body : new Uint8Array() };
  });

/** What is written is read again, whatever the pieces in which it comes. */
export async function roundTrip(effort: Effort): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(header, { maxLength: 6 }),
    fc.integer({ min: 1, max: 2000 }),
    async (all, size) => {
      const tar = await bytesOf(
        writeTar(
          all.map(({ header, body }) => (header.type === 'file' ? { header, body: pieces(body, 100) } : { header })),
        ),
      );
      const found: { header: TarHeader; body: Uint8Array }[] = [];
      for await (const entry of readTar(pieces(tar, size)))
        found.push({ header: entry.header, body: await bytesOf(entry.body) });
      expect(found.map(plain)).toEqual(all.map(plain));
    },
  );
  await fc.assert(property, parameters(effort));
}

function plain({ header, body }: { header: TarHeader; body: Uint8Array }) {
  const xattrs = [...(header.xattrs ?? [])].map(([key, value]) => `${key}=${Buffer.from(value).toString('hex')}`);
  return { ...header, xattrs, body: Buffer.from(body).toString('hex') };
}

/** A tar in which bytes were changed, dropped or doubled is read or refused in words. */
export async function damagedTars(effort: Effort): Promise<void> {
  const damage = fc.array(
    fc.record({ at: fc.nat(20_000), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'double') }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  const property = fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 5 }), damage, async (all, changes) => {
    let tar = Buffer.from(
      await bytesOf(
        writeTar(
          all.map(({ header, body }) => (header.type === 'file' ? { header, body: pieces(body, 100) } : { header })),
        ),
      ),
    );
    for (const { at, byte, kind } of changes) {
      const place = at % tar.length;
      if (kind === 'set') tar[place] = byte;
      else if (kind === 'cut') tar = tar.subarray(0, Math.max(1, place));
      else tar = Buffer.concat([tar.subarray(0, place), tar.subarray(Math.max(0, place - 512))]);
    }
    await inWords(async () => {
      for await (const { body } of readTar(pieces(tar, 333))) for await (const _ of body);
    });
  });
  await fc.assert(property, parameters(effort));
}

/** Packed bytes in which some were changed are unpacked or refused in words, and end. */
export async function damagedPackages(effort: Effort): Promise<void> {
  const kinds = packed();
  const property = fc.asyncProperty(
    fc.constantFrom(...kinds),
    fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 6 }),
    fc.nat(4000),
    async ({ bytes }, changes, cut) => {
      const damaged = Buffer.from(bytes.subarray(0, cut % 5 === 0 ? cut % bytes.length : bytes.length));
      for (const [at, byte] of changes) if (damaged.length > 0) damaged[at % damaged.length] = byte;
      await inWords(async () => {
        for await (const _ of decompress(pieces(damaged, 500)));
      });
    },
  );
  await fc.assert(property, parameters(effort));
}

const wildName = fc
  .array(fc.constantFrom('a', 'b', 'l', '..', '.', 'd', '.wh.a', '.wh..wh..opq', ''), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'));

/** Layers of hostile entries of every kind change nothing outside of their root, and fail in words if they fail. */
export async function wildLayers(effort: Effort): Promise<void> {
  const outside = makeOutside();
  const target = fc.oneof(
    wildName,
    fc.constantFrom(outside.victim, `${outside.victim}/secret`, '../../victim', '/proc/self/root'),
  );
  const entry: fc.Arbitrary<RawEntry> = fc.record({
    name: fc.oneof(
      wildName,
      wildName.map((rest) => `l/${rest}`),
    ),
    flag: fc.constantFrom('0', '1', '2', '5', '5', '6', '3', '0'),
    link: target,
    mode: fc.constantFrom(0o777, 0o4755, 0),
    uid: fc.nat(3),
  });
  try {
    const before = outside.state();
    const property = fc.asyncProperty(fc.array(entry, { maxLength: 14 }), async (entries) => {
      const root = mkdtempSync(join(outside.inside, 'layer-'));
      const tar = rawTar(entries.map((each) => (each.flag === '0' ? { ...each, body: 'x' } : each)));
      await inWords(async () => {
        await unpackLayer(pieces(tar, 700), root, MergedTree.empty, new AbortController().signal);
      });
      rmSync(root, { recursive: true });
      expect(outside.state()).toEqual(before);
    });
    await fc.assert(property, parameters(effort));
  } finally {
    outside.remove();
  }
}

type Model = Map<string, string>;

const modelName = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));

/** Entries that mean no harm, in any order, give the tree that a plain reading of them gives. */
export async function plainLayers(effort: Effort): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fuzz-'));
  const entry = fc.record({
    name: modelName,
    kind: fc.constantFrom('file', 'folder', 'link', 'hard'),
    text: fc.stringMatching(/^[a-z]{0,9}$/),
    pick: fc.nat(100),
  });
  try {
    const property = fc.asyncProperty(fc.array(entry, { maxLength: 30 }), async (entries) => {
      const model: Model = new Map();
      const tar: RawEntry[] = [];
      for (const { name, kind, text, pick } of entries) {
        // what lies below something else than a folder would be refused
        const parents = name
          .split('/')
          .map((_, i, all) => all.slice(0, i).join('/'))
          .filter((parent) => parent !== '');
        if (parents.some((parent) => model.has(parent) && model.get(parent) !== 'folder')) continue;
        const files = [...model].filter(
          ([key, value]) => value.startsWith('file ') && key !== name && !key.startsWith(`${name}/`),
        );
        const linked = files[pick % Math.max(1, files.length)];
        if (kind === 'hard' && linked === undefined) continue;
        for (const parent of parents) model.set(parent, 'folder');
        if (kind !== 'folder' || model.get(name) !== 'folder')
          for (const key of [...model.keys()]) if (key === name || key.startsWith(`${name}/`)) model.delete(key);
        if (kind === 'file') tar.push({ name, body: text });
        else if (kind === 'folder') tar.push({ name, flag: '5' });
        else if (kind === 'link') tar.push({ name, flag: '2', link: `../${text}x` });
        else tar.push({ name, flag: '1', link: linked?.[0] ?? '' });
        model.set(
          name,
          kind === 'file'
            ? `file ${text}`
            : kind === 'folder'
              ? 'folder'
              : kind === 'link'
                ? `link ../${text}x`
                : (linked?.[1] ?? ''),
        );
      }
      const root = join(folder, 'root');
      mkdirSync(root);
      await unpackLayer(pieces(rawTar(tar), 700), root, MergedTree.empty, new AbortController().signal);
      const found = seen(root);
      rmSync(root, { recursive: true });
      expect(found).toEqual(Object.fromEntries([...model].sort(([a], [b]) => (a < b ? -1 : 1))));
    });
    await fc.assert(property, parameters(effort));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A tree on disk, one line for each path. */
export function seen(root: string): Record<string, string> {
  const out: [string, string][] = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => {
    const at = join(root, name);
    const stats = lstatSync(at);
    if (stats.isDirectory()) return [name, 'folder'];
    if (stats.isSymbolicLink()) return [name, `link ${readlinkSync(at)}`];
    return [name, `file ${readFileSync(at, 'utf8')}`];
  });
  return Object.fromEntries(out.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** It may fail, but only as something a person can understand. */
async function inWords(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.message).not.toBe('');
  }
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
