import { sendEmpty, sendJson } from '../http/answer.ts';
import { originOf } from '../http/door.ts';
import { requireBucket, requireRole } from './access.ts';
import { param, queryOf, type StorageCall } from './call.ts';
import { StorageError } from './errors.ts';
import { readJson } from './read-json.ts';
import { bucketJson, newBucketSchema } from './wire.ts';

/** GET /storage/v1/b?project=P. gcloud's check whether a source bucket is the project's own reads this list. */
export async function listBuckets(call: StorageCall): Promise<void> {
  const project = projectOf(call);
  requireRole(call, 'reader', project, `list the buckets of project ${project}`);
  const prefix = call.query.get('prefix') ?? '';
  const buckets = (await call.buckets.buckets(project)).filter((bucket) => bucket.name.startsWith(prefix));
  const items = buckets.map((bucket) => bucketJson(bucket, originOf(call.request)));
  sendJson(call.response, 200, { kind: 'storage#buckets', items });
}

/** POST /storage/v1/b?project=P */
export async function createBucket(call: StorageCall): Promise<void> {
  const project = projectOf(call);
  const { name, location = 'us' } = await readJson(call, newBucketSchema);
  requireRole(call, 'writer', project, `create gs://${name}`);
  const bucket = await call.buckets.createBucket({ name, project, location: location.toLowerCase() });
  sendJson(call.response, 200, bucketJson(bucket, originOf(call.request)));
}

/** GET /storage/v1/b/B */
export async function getBucket(call: StorageCall): Promise<void> {
  const bucket = await requireBucket(call, param(call, 'bucket'), 'reader');
  sendJson(call.response, 200, bucketJson(bucket, originOf(call.request)));
}

/** DELETE /storage/v1/b/B */
export async function deleteBucket(call: StorageCall): Promise<void> {
  const { name } = await requireBucket(call, param(call, 'bucket'), 'writer');
  await call.buckets.removeBucket(name);
  sendEmpty(call.response, 204);
}

/** GET /storage/v1/b/B/managedFolders: we have none; `gcloud storage rm -r` asks before it removes a bucket. */
export async function listManagedFolders(call: StorageCall): Promise<void> {
  await requireBucket(call, param(call, 'bucket'), 'reader');
  sendJson(call.response, 200, { kind: 'storage#managedFolders', items: [] });
}

/** GET /storage/v1/b/B/storageLayout: names are flat here, and that is all that is asked for. */
export async function getStorageLayout(call: StorageCall): Promise<void> {
  const bucket = await requireBucket(call, param(call, 'bucket'), 'reader');
  const { location, locationType } = bucketJson(bucket, '');
  sendJson(call.response, 200, {
    kind: 'storage#storageLayout',
    bucket: bucket.name,
    location,
    locationType,
    hierarchicalNamespace: { enabled: false },
  });
}

function projectOf(call: StorageCall): string {
  const project = queryOf(call, 'project');
  if (project === undefined) throw new StorageError(400, 'required', 'Required parameter: project');
  return project;
}
