import type { OutgoingHttpHeaders } from 'node:http';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { isTag } from '../../images/reference.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { describeManifest, type ManifestDescription } from '../../stores/registry/describe.ts';
import type { StoredManifest } from '../../stores/registry/registry.ts';
import { sendBytes, sendEmpty } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { require } from './access.ts';
import { digestParam, locationOf, type RegistryCall, type Target, targetOf } from './call.ts';
import { conditionOf, etagOf, isKnown } from './conditions.ts';
import { asInvalid, manifestUnknown, RegistryError } from './errors.ts';
import { MANIFEST_LIMIT } from './manifest-cache.ts';
import { pullTarget } from './pull-target.ts';
import { warningHeaders } from './warnings.ts';

/** GET and HEAD `/v2/<name>/manifests/<reference>`: the bytes and type that were pushed, whatever Accept says (never converted). */
export async function getManifest(call: RegistryCall): Promise<void> {
  const { name = '', reference = '' } = call.params;
  const target = await pullTarget(call);
  const head = call.request.method === 'HEAD';
  const pulled = await call.pulls.manifest(target.key, reference, { head });
  if (pulled === undefined) throw manifestUnknown(name, reference);
  const { manifest, warnings } = pulled;
  const headers = { ...headersOf(manifest), ...warningHeaders(warnings) };
  if (isKnown(call.request, manifest.digest)) return sendEmpty(call.response, 304, headers);
  if (!pulled.stored) return sendEmpty(call.response, 200, { ...headers, 'Content-Length': manifest.size });
  const bytes = await call.manifests.read(manifest.digest);
  if (bytes === undefined) throw manifestUnknown(name, reference);
  sendBytes(call.response, 200, bytes, headers);
}

function headersOf({ mediaType, digest }: StoredManifest): OutgoingHttpHeaders {
  return { 'Content-Type': mediaType, 'Docker-Content-Digest': digest, ETag: etagOf(digest) };
}

/** PUT: by tag, or by digest with any number of `?tag=`. Acknowledged once bytes and rows are on disk. */
export async function putManifest(call: RegistryCall): Promise<void> {
  const { name = '', reference = '' } = call.params;
  const target = targetOf(call, name);
  await require(call, target, 'writer');
  const byDigest = reference.includes(':') ? digestParam(reference) : undefined;
  const tags = byDigest === undefined ? [reference] : call.query.getAll('tag');
  for (const tag of tags)
    if (!isTag(tag)) throw new RegistryError(400, 'MANIFEST_INVALID', `invalid tag ${JSON.stringify(tag)}`);

  const bytes = await readBody(call.request, MANIFEST_LIMIT);
  const store = () => storeManifest(call, target, bytes, { byDigest, tags });
  await (bytes.length > LONG_BYTES ? longManifests.with(store) : store());
}

/** Taking a manifest apart costs ten times its bytes: those that are long, which few are, wait for each other. */
const LONG_BYTES = 256 * 1024;
const longManifests = new Semaphore(2);

async function storeManifest(
  call: RegistryCall,
  target: Target,
  bytes: Buffer,
  { byDigest, tags }: { byDigest: Digest | undefined; tags: string[] },
): Promise<void> {
  const digest = digestOf(bytes, byDigest === undefined ? 'sha256' : digestAlgorithm(byDigest));
  if (byDigest !== undefined && digest !== byDigest)
    throw new RegistryError(400, 'DIGEST_INVALID', `the bytes sent have digest ${digest}, not ${byDigest}`);
  const description = describe(bytes, digest, call.request.headers['content-type']);

  const put = { ...description, tags, condition: conditionOf(call.request), actor: call.identity.name };
  let stored: Promise<Digest[]> | undefined;
  const store = (onDisk?: Promise<unknown>) => {
    stored ??= call.store.putManifest(target.key, { ...put, onDisk });
    return stored;
  };
  await call.content.put(bytes, digestAlgorithm(digest), store);
  const missing = await store();
  if (missing.length > 0) {
    await call.store.checkPush(target.key); // where nothing can be pushed, that is the reason
    throw blobsMissing(missing);
  }
  call.manifests.keep(digest, bytes);
  const { subject } = description;
  sendEmpty(call.response, 201, {
    Location: locationOf(target.path, `manifests/${digest}`),
    'Docker-Content-Digest': digest,
    ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
    ...(byDigest === undefined || tags.length === 0 ? {} : { 'OCI-Tag': tags }),
    ...warningHeaders(await warningsOf(call, target, description.children)),
  });
}

/** Looked for in one index; more would make its push slow. */
const CHILDREN_LOOKED_FOR = 100;

/** An index is taken without some of its platforms, because clients copy only those that they need; somebody may not know. */
async function warningsOf(call: RegistryCall, { key }: Target, children: Digest[]): Promise<string[]> {
  const absent = [];
  for (const child of children.slice(0, CHILDREN_LOOKED_FOR))
    if ((await call.store.manifest(key, child)) === undefined) absent.push(child);
  if (absent.length === 0) return [];
  return [`${absent.length} of the ${children.length} manifests of this index not pushed here: ${absent[0]}`];
}

/** DELETE: a tag alone, or a manifest with every tag on it. */
export async function deleteManifest(call: RegistryCall): Promise<void> {
  const { name = '', reference = '' } = call.params;
  const target = targetOf(call, name);
  await require(call, target, 'admin');
  const actor = call.identity.name;
  const gone = isDigest(reference)
    ? await call.store.deleteManifest(target.key, reference, actor)
    : await call.store.deleteTag(target.key, reference, actor);
  if (!gone) throw manifestUnknown(name, reference);
  sendEmpty(call.response, 202);
}

function describe(bytes: Buffer, digest: Digest, contentType: string | undefined): ManifestDescription {
  try {
    return describeManifest(parseManifest(bytes, contentType), digest, bytes.length);
  } catch (error) {
    return asInvalid('MANIFEST_INVALID')(error);
  }
}

/** A blob counts only when this repository links it: else a manifest would open blobs of other projects by their digest. */
function blobsMissing(missing: Digest[]): RegistryError {
  return new RegistryError(
    400,
    'MANIFEST_BLOB_UNKNOWN',
    `${missing.length} blobs were not pushed here: ${missing[0]}`,
    {
      detail: missing.map((digest) => ({ digest })),
    },
  );
}
