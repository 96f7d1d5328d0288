import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskContent } from '../adapters/disk/disk-content.ts';
import { DiskPlace } from '../adapters/disk/disk-place.ts';
import { ObjectBucket } from '../adapters/s3/bucket.ts';
import { ObjectContent } from '../adapters/s3/object-content.ts';
import { ObjectPlace } from '../adapters/s3/object-place.ts';
import type { Config } from '../config.ts';
import { contentUrlText, parseContentUrl } from '../lib/content-url.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { writeDurably } from '../lib/durable-file.ts';
import { log } from '../lib/log.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import type { BlobArrivals, BlobRows, BlobSweep, ContentStore } from '../stores/content/content.ts';
import type { ContentPlace } from '../stores/content/place.ts';
import { moveContent } from './move-content.ts';

/**
 * Where the blobs of a data folder are, in DATA/content/place.json. It belongs to the folder and not to a command line: rows
 * that were written with one place mean nothing in another, and every process has to look in the same one.
 */
interface PlaceRecord {
  url: string;
  /** Names this data folder in buckets that it has claimed. */
  installation: string;
}

type Rows = BlobRows & BlobSweep & BlobArrivals;

/** The store as every process of the machine has it; only the owner decides where it is. */
export function contentOver(folder: DataFolder, config: Config, rows: BlobRows): ContentStore {
  const url = parsed(readRecord(folder)?.url ?? 'disk');
  if (url.kind === 'disk') return new DiskContent({ folder: folder.content, rows });
  const bucket = new ObjectBucket(url, config.content);
  return new ObjectContent({ bucket, folder: folder.content, rows, cacheBytes: config.content.cacheMaxBytes });
}

/**
 * The place that was asked for, by the command line or slipway.yaml; when nobody asks, where the blobs are. When they are
 * elsewhere, they are moved first; what they are moved from stays as it is.
 * @throws Problem `conflict` when the bucket belongs to another data folder; `unavailable` when it can't be reached for a move
 */
export async function openContentPlace(
  folder: DataFolder,
  config: Config,
  rows: Rows,
  asked: string | undefined,
): Promise<ContentPlace> {
  const record = readRecord(folder) ?? { url: 'disk', installation: randomUUID() };
  const url = contentUrlText(parsed(asked ?? config.content.url ?? record.url));
  const place = placeAt(url, folder, config, rows);
  try {
    if (url === record.url) {
      if (place instanceof ObjectPlace) await claimAgain(place, record.installation);
      return place;
    }
    if (place instanceof ObjectPlace) await place.claim(record.installation);
    // its copies lie where the disk has its blobs: none of them may go while they are counted on
    const cacheMaxBytes = url === 'disk' ? Number.MAX_SAFE_INTEGER : config.content.cacheMaxBytes;
    const before = placeAt(record.url, folder, { ...config, content: { ...config.content, cacheMaxBytes } }, rows);
    try {
      await before.recover();
      await moveContent(before, place, rows);
    } finally {
      await before.close();
    }
    const moved: PlaceRecord = { url, installation: record.installation };
    await writeDurably(recordFile(folder), `${JSON.stringify(moved)}\n`, 0o600);
    return place;
  } catch (error) {
    await place.close();
    throw error;
  }
}

/** Tries everything that a bucket will be asked for, and says in the log how that went. */
export async function reportPlace(place: ContentPlace): Promise<void> {
  if (place.url === 'disk') return;
  const { ok, detail, remedy } = await place.probe();
  if (ok) log.info(`content is kept in ${detail}`);
  else log.error({ remedy }, `content: ${detail}`);
}

/** A server whose bucket is down starts all the same: copies can be pulled, and it may be back in a minute. */
async function claimAgain(place: ObjectPlace, installation: string): Promise<void> {
  try {
    await place.claim(installation);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'unavailable') throw error;
    log.error({ bucket: place.url, hint: error.hint }, error.message);
  }
}

function placeAt(text: string, folder: DataFolder, config: Config, rows: Rows): ContentPlace {
  const place = parsed(text);
  if (place.kind === 'disk') return new DiskPlace(folder, rows);
  const { content: settings } = config;
  return new ObjectPlace({ place, settings, folder: folder.content, rows, cacheBytes: settings.cacheMaxBytes });
}

function parsed(text: string) {
  const url = parseContentUrl(text);
  if (url !== undefined) return url;
  throw new Problem('invalid', `${JSON.stringify(text)} is no place for content`, {
    hint: 'Write disk, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.',
  });
}

function recordFile(folder: DataFolder): string {
  return join(folder.content, 'place.json');
}

function readRecord(folder: DataFolder): PlaceRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(folder), 'utf8')) as PlaceRecord;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
