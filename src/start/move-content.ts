import { createReadStream } from 'node:fs';
import { Digester, digestAlgorithm } from '../images/digest.ts';
import { formatBytes } from '../lib/bytes.ts';
import { log } from '../lib/log.ts';
import { Problem } from '../lib/problem.ts';
import type { BlobInfo, BlobSweep } from '../stores/content/content.ts';
import type { ContentPlace } from '../stores/content/place.ts';

const PAGE = 200;
const AT_ONCE = 4;
/** Between two lines of the log. Milliseconds. */
const SAID_MS = 10_000;

/**
 * Copies every recorded blob to a new place, before anybody is answered. What is there already is left, so a move that was
 * cut off goes on. A blob that the old place has lost or spoilt is told of and left out, for the next push to mend.
 */
export async function moveContent(from: ContentPlace, to: ContentPlace, rows: BlobSweep): Promise<void> {
  let blobs = 0;
  let bytes = 0;
  let said = Date.now();
  const move = async (blob: BlobInfo) => {
    if (await to.holds(blob)) return;
    const file = await from.content.path(blob.digest).catch((error: unknown) => {
      if (!(error instanceof Problem) || error.code !== 'not-found') throw error;
      log.error(
        { digest: blob.digest, from: from.url },
        'blob is recorded, but its bytes are missing; it is not moved',
      );
    });
    if (file === undefined) return;
    if (!(await isWhole(file, blob))) {
      log.error({ digest: blob.digest, from: from.url }, 'blob is damaged; it is not moved');
      return;
    }
    await to.take(blob, file);
    blobs++;
    bytes += blob.size;
    if (Date.now() - said < SAID_MS) return;
    said = Date.now();
    log.info({ blobs, size: formatBytes(bytes) }, `moving content from ${from.url} to ${to.url}`);
  };
  for (let page = await rows.page(0, undefined, PAGE); page.length > 0; ) {
    const left = [...page];
    const work = async () => {
      for (let blob = left.shift(); blob !== undefined; blob = left.shift()) await move(blob);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    page = await rows.page(0, page.at(-1)?.digest, PAGE);
  }
  if (blobs > 0) log.info({ blobs, size: formatBytes(bytes) }, `moved content from ${from.url} to ${to.url}`);
}

async function isWhole(file: string, { digest, size }: BlobInfo): Promise<boolean> {
  const digester = new Digester(digestAlgorithm(digest));
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) digester.update(chunk as Uint8Array);
  return digester.size === size && digester.finish() === digest;
}
