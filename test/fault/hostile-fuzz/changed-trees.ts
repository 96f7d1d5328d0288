import {
  chmodSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { mountOverlay, unmountOverlay } from '../../../src/containers/sandbox/overlay.ts';
import { fileBytes } from '../../../src/engine/layers/file-bytes.ts';
import { toHeader } from '../../../src/engine/layers/tar-entries.ts';
import type { LayerItem } from '../../../src/engine/layers/write-layer.ts';
import { diffUpper } from '../../../src/engine/snapshots/diff.ts';
import { unpackLayer } from '../../../src/engine/snapshots/unpack.ts';
import { MergedTree } from '../../../src/engine/trees/merged-tree.ts';
import { type TarInput, writeTar } from '../../../src/images/tar/write.ts';
import { type RawEntry, rawTar } from '../hostile-layers/raw-tar.ts';
import { type Effort, seen } from './properties.ts';

const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const change = fc.record({
  kind: fc.constantFrom('write', 'folder', 'remove', 'rename', 'link', 'hard', 'mode'),
  name,
  other: name,
  text: fc.stringMatching(/^[a-z]{0,5}$/),
});

const LOWER: RawEntry[] = ['a', 'a/b', 'b', 'b/c', 'b/c/a'].map((folder) => ({ name: folder, flag: '5' }));
for (const file of ['a/a', 'a/b/c', 'b/a', 'b/c/b', 'b/c/a/a', 'c']) LOWER.push({ name: file, body: `lower ${file}` });

/** Changes a command may make, as layer and back: the tree that it left is the tree that the next one finds. */
export async function changedTrees({ runs, seed }: Effort): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fuzz-diff-'));
  const at = (...parts: string[]) => join(folder, ...parts);
  const signal = new AbortController().signal;
  try {
    mkdirSync(at('lower'));
    const listing = await unpackLayer(pieces(rawTar(LOWER)), at('lower'), MergedTree.empty, signal);
    const below = new MergedTree(async (i) => (i === 0 ? listing : undefined));
    const property = fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
      for (const each of ['upper', 'again', 'top', 'm']) mkdirSync(at(each));
      const left = await merged(['lower'], 'upper', (root) => {
        for (const each of changes) attempt(root, each);
        return seen(root);
      });
      const items: TarInput[] = [];
      for await (const item of diffUpper(at('upper'), below)) items.push(await inputOf(item));
      await unpackLayer(writeTar(items), at('again'), below, signal);
      const found = await merged(['again', 'lower'], 'top', seen);
      for (const each of ['upper', 'again', 'top', 'm']) rmSync(at(each), { recursive: true });
      expect(found).toEqual(left);
    });
    await fc.assert(property, seed === undefined ? { numRuns: runs } : { numRuns: runs, seed });
  } finally {
    rmSync(folder, { recursive: true });
  }

  async function merged<T>(lowers: string[], upper: string, use: (root: string) => T): Promise<T> {
    const overlay = { lowers: lowers.map((each) => at(each)), upper: at(upper) };
    await mountOverlay(at('m'), overlay);
    try {
      return use(at('m'));
    } finally {
      await unmountOverlay(at('m'), overlay);
    }
  }
}

/** Does it if it can be done; a command's failures are its own. */
function attempt(
  root: string,
  { kind, name, other, text }: { kind: string; name: string; other: string; text: string },
): void {
  const [path, to] = [join(root, name), join(root, other)];
  try {
    if (kind === 'remove') rmSync(path, { recursive: true });
    else if (kind === 'rename') renameByCopy(path, to);
    else if (kind === 'mode') chmodSync(path, lstatSync(path).isDirectory() ? 0o711 : 0o600);
    else {
      mkdirSync(dirname(path), { recursive: true });
      if (kind === 'write') writeFileSync(path, text);
      else if (kind === 'folder') mkdirSync(path);
      else if (kind === 'link') symlinkSync(`../${text}`, path);
      else linkSync(to, path);
    }
  } catch {
    // no such file, a folder in the way, and the like
  }
}

/** As mv does it where a folder of a lower layer can't be renamed. */
function renameByCopy(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false });
    rmSync(from, { recursive: true });
  }
}

async function inputOf(item: LayerItem): Promise<TarInput> {
  const head = toHeader(item.kind === 'entry' ? { kind: 'entry', entry: item.entry } : item);
  if (item.kind !== 'entry' || item.open === undefined) return { header: head };
  const body = item.open();
  const chunks: Buffer[] = [];
  for await (const chunk of Symbol.asyncIterator in body ? body : fileBytes(body.fd, body.size))
    chunks.push(Buffer.from(chunk));
  return { header: head, body: pieces(Buffer.concat(chunks)) };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
