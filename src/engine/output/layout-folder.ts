import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Descriptor } from '../../images/descriptor.ts';
import { isDigest } from '../../images/digest.ts';
import { blobPath, LAYOUT_VERSION } from '../../images/image-layout.ts';
import { parseManifest } from '../../images/manifest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import { imageLayout, type LayoutImage } from './image-layout.ts';
import type { ArchiveContent } from './read-archive.ts';

/** Blobs read or written at once. */
const PARALLEL = 4;

/**
 * Writes images into a folder as an OCI image layout, beside what such a folder has already. Blobs that are there are left
 * alone; the index comes last, so that whoever reads it finds all that it names.
 * @throws Problem `invalid` when the folder holds something else
 */
export async function writeLayoutFolder(
  folder: string,
  images: readonly LayoutImage[],
  content: ContentStore,
  signal: AbortSignal,
): Promise<void> {
  const before = await readIndex(folder);
  const listed = async (index: Descriptor) => entriesOf(await readFile(join(folder, blobPath(index.digest))));
  const { index, blobs } = await imageLayout(images, content, before ?? [], listed);
  for (const parent of new Set(blobs.map(({ digest }) => dirname(blobPath(digest)))))
    await mkdir(join(folder, parent), { recursive: true });
  await inParallel(blobs, async ({ digest, size }) => {
    signal.throwIfAborted();
    const file = join(folder, blobPath(digest));
    if ((await sizeOf(file)) === size) return;
    await replaceFile(file, await content.open(digest));
  });
  await replaceFile(join(folder, 'oci-layout'), JSON.stringify(LAYOUT_VERSION));
  await replaceFile(join(folder, 'index.json'), JSON.stringify(index));
}

/**
 * Takes the blobs of such a folder into the content store; each has to be what its name says.
 * @throws Problem `invalid`; `not-found` when there is no layout
 */
export async function readLayoutFolder(
  folder: string,
  content: ContentStore,
  signal: AbortSignal,
): Promise<ArchiveContent> {
  const text = await readFile(join(folder, 'index.json')).catch((error: unknown) => {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    throw new Problem('not-found', `${folder} is no image layout: its index.json can't be read`, { cause: error });
  });
  const found: { file: string; digest: string }[] = [];
  for (const algorithm of ['sha256', 'sha512'])
    for (const hex of await namesIn(join(folder, 'blobs', algorithm)))
      found.push({ file: join(folder, 'blobs', algorithm, hex), digest: `${algorithm}:${hex}` });
  const blobs = new Set<Descriptor['digest']>();
  await inParallel(found, async ({ file, digest }) => {
    // what others leave there while they write
    if (!isDigest(digest)) return;
    signal.throwIfAborted();
    if ((await content.stat(digest)) === undefined)
      await content.ingest(createReadStream(file, { highWaterMark: 1 << 18 }), { expected: digest, signal });
    blobs.add(digest);
  });
  return { texts: new Map([['index.json', text]]), blobs, files: new Map(), links: new Map() };
}

/** The entries of a layout that is there; undefined for an empty folder or none. */
async function readIndex(folder: string): Promise<Descriptor[] | undefined> {
  try {
    return entriesOf(await readFile(join(folder, 'index.json')));
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    const names = hasErrorCode(error, 'ENOTDIR') ? ['.'] : await namesIn(folder);
    // one that was broken off has its blobs alone
    if (names.every((name) => name === 'blobs' || name === 'oci-layout')) return undefined;
    throw new Problem('invalid', `${folder} holds something else than images`, {
      hint: 'Name a new folder, an empty one, or one that holds an OCI image layout.',
      cause: error,
    });
  }
}

function entriesOf(bytes: Buffer): Descriptor[] {
  const parsed = parseManifest(bytes, MEDIA.ociIndex);
  return parsed.kind === 'index' ? parsed.value.manifests : [];
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function inParallel<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const room = new Semaphore(PARALLEL);
  let failed = false;
  const results = await Promise.allSettled(
    all.map((one) =>
      room.with(async () => {
        if (failed) return;
        await work(one).catch((error: unknown) => {
          failed = true;
          throw error;
        });
      }),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
