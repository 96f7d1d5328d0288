import { pipeline } from 'node:stream/promises';
import { Problem } from '../../lib/problem.ts';
import type { GsutilSession } from './session.ts';
import type { CopyItem } from './sources.ts';
import type { Place } from './urls.ts';

const TYPES: Record<string, string> = {
  '.txt': 'text/plain',
  '.json': 'application/json',
  '.html': 'text/html',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.py': 'text/x-python',
  '.yaml': 'application/x-yaml',
  '.yml': 'application/x-yaml',
  '.gz': 'application/gzip',
  '.tgz': 'application/gzip',
  '.zip': 'application/zip',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};

/** By the file's ending; what nobody knows is bytes. */
export function contentType(path: string): string {
  const dot = path.lastIndexOf('.');
  return TYPES[dot < 0 ? '' : path.slice(dot).toLowerCase()] ?? 'application/octet-stream';
}

/** Copies one item; bytes stream, and between buckets none move. */
export async function transfer(item: CopyItem, to: Place, session: GsutilSession): Promise<number> {
  const { from } = item;
  const { buckets, files, caller } = session;
  const { signal } = caller;
  signal.throwIfAborted();
  if (to.kind === 'cloud') {
    const { contentType: type, metadata } = session.upload;
    if (from.kind === 'cloud')
      await buckets.copy(from.object, to.bucket, to.path, { contentType: type ?? from.object.contentType, metadata });
    else
      await buckets.put(to.bucket, to.path, await files.read(from.path), {
        contentType: type ?? contentType(from.path),
        metadata,
        signal,
      });
    return sizeOf(item);
  }
  const target = session.absolute(to.path);
  if (from.kind === 'file' && from.path === target)
    throw new Problem('conflict', `"${from.shown}" and "${to.path}" are the same file - abort.`);
  const source = from.kind === 'cloud' ? await buckets.open(from.object) : await files.read(from.path);
  try {
    await pipeline(source, await files.write(target), { signal });
  } finally {
    source.destroy(); // when there was nothing to write to, nobody else ends it
  }
  return sizeOf(item);
}

export function sizeOf({ from }: CopyItem): number {
  return from.kind === 'cloud' ? from.object.size : from.size;
}
