import { may, type Role } from '../../auth/identity.ts';
import type { Bucket, BucketObject } from '../../stores/buckets/buckets.ts';
import { buildOfLogObject } from '../../stores/buckets/log-objects.ts';
import { queryOf, type StorageCall } from './call.ts';
import { noSuchBucket, noSuchObject, StorageError } from './errors.ts';

/** Who shows nothing is asked to log in; who is known and may not is told so. */
export function requireRole(call: StorageCall, role: Role, project: string, what: string): void {
  if (may(call.identity, role, project)) return;
  const { kind, name } = call.identity;
  if (kind === 'anonymous') throw unauthorized(`Anonymous caller may not ${what}: show a token.`);
  throw new StorageError(403, 'forbidden', `${name} may not ${what}: that takes role ${role} in project ${project}.`);
}

export function unauthorized(message: string): StorageError {
  return new StorageError(401, 'authError', message, { 'WWW-Authenticate': 'Bearer realm="slipway"' });
}

/** A bucket that exists and that the caller has this role for. The log bucket may be seen by everybody, never written. */
export async function requireBucket(call: StorageCall, name: string, role: Role): Promise<Bucket> {
  const bucket = await call.buckets.bucket(name);
  if (bucket === undefined) throw noSuchBucket(name);
  if (name === call.logs.bucket) {
    if (role !== 'reader')
      throw new StorageError(403, 'forbidden', `gs://${name} holds build logs and can't be written.`);
    return bucket;
  }
  requireRole(call, role, bucket.project, `${role === 'reader' ? 'read' : 'write'} gs://${name}`);
  return bucket;
}

/**
 * An object that the caller may read. A log that isn't there, isn't there yet, or isn't for the caller is 404: gcloud goes
 * on asking then, while 403 makes it call a good build a failure.
 */
export async function requireObject(
  call: StorageCall,
  bucket: string,
  name: string,
  generation = queryOf(call, 'generation'),
): Promise<BucketObject> {
  await requireBucket(call, bucket, 'reader');
  if (bucket === call.logs.bucket && !(await mayReadLog(call, name))) throw noSuchObject(bucket, name);
  const object = await call.buckets.stat(bucket, name, generation);
  if (object === undefined) throw noSuchObject(bucket, name);
  return object;
}

async function mayReadLog(call: StorageCall, name: string): Promise<boolean> {
  const build = buildOfLogObject(name);
  const project = build === undefined ? undefined : await call.logs.projectOf(build);
  return project !== undefined && may(call.identity, 'reader', project);
}
