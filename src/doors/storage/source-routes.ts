import { randomBytes } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { isPieceId } from '../../stores/sources/piece.ts';
import { SNAPSHOT_FORMAT, SNAPSHOT_TYPE, type SnapshotRoot } from '../../stores/sources/tree-list.ts';
import { sendJson } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { requireBucket, requireRole } from './access.ts';
import { param, type StorageCall } from './call.ts';
import { StorageError } from './errors.ts';
import { parseJson } from './read-json.ts';

/** Ids of a question or a source: 100,000 of them. */
const IDS_BYTES = 8 << 20;
const ids = z.array(z.string().refine(isPieceId, 'no id of a piece'));
const missingSchema = z.strictObject({ lists: ids.max(100_000).default([]), pieces: ids.max(100_000).default([]) });
const snapshotSchema = z.strictObject({ bucket: z.string(), lists: ids });

/** POST /storage/sources/P/missing: which lists and pieces the project doesn't have. */
export async function missingPieces(call: StorageCall): Promise<void> {
  const project = writable(call);
  const asked = parseJson(await readBody(call.request, IDS_BYTES), missingSchema);
  sendJson(call.response, 200, await call.sources.missing(project, asked));
}

/** POST /storage/sources/P/packs: pieces, framed; `Content-Encoding: gzip` is taken off. */
export async function receivePack(call: StorageCall): Promise<void> {
  const project = writable(call);
  const body = { [Symbol.asyncIterator]: () => call.request.iterator({ destroyOnReturn: false }) };
  const encoding = call.request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity')
    throw new StorageError(415, 'invalid', `a pack can't be read as ${encoding}`);
  const pack = await call.sources.receive(project, encoding === 'gzip' ? gunzipped(call) : body);
  sendJson(call.response, 200, { size: pack.size });
}

/** POST /storage/sources/P/snapshots: a source of these lists, as an object that a build can name. */
export async function createSnapshot(call: StorageCall): Promise<void> {
  const project = writable(call);
  const { bucket, lists } = parseJson(await readBody(call.request, IDS_BYTES), snapshotSchema);
  if ((await requireBucket(call, bucket, 'writer')).project !== project)
    throw new StorageError(403, 'forbidden', `gs://${bucket} is not project ${project}'s.`);
  const bytes = await call.sources.complete(project, lists);
  const root: SnapshotRoot = { format: SNAPSHOT_FORMAT, lists };
  const name = `source/${Date.now() / 1000}-${randomBytes(16).toString('hex')}.json`;
  const object = await call.buckets.put(bucket, name, one(Buffer.from(JSON.stringify(root))), {
    contentType: SNAPSHOT_TYPE,
    metadata: { bytes: String(bytes) },
  });
  sendJson(call.response, 200, { bucket, object: name, generation: object.generation });
}

function writable(call: StorageCall): string {
  const project = param(call, 'project');
  requireRole(call, 'writer', project, `send sources to project ${project}`);
  return project;
}

function gunzipped(call: StorageCall): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  call.request.on('error', (error) => gunzip.destroy(error));
  call.request.once('close', () => {
    if (!call.request.complete) gunzip.destroy(new Error('the client went away'));
  });
  return call.request.pipe(gunzip);
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
