import type { IncomingMessage, ServerResponse } from 'node:http';
import { urlOf } from '../http/answer.ts';
import { identify } from '../http/credentials.ts';
import type { NodeHandler } from '../http/door.ts';
import { Router } from '../http/router.ts';
import { unauthorized } from './access.ts';
import {
  createBucket,
  deleteBucket,
  getBucket,
  getStorageLayout,
  listBuckets,
  listManagedFolders,
} from './bucket-routes.ts';
import type { StorageCall, StorageDoorParts } from './call.ts';
import { renderError, StorageError } from './errors.ts';
import { sendMedia } from './media-routes.ts';
import { NOT_SERVED } from './not-served.ts';
import {
  changeObject,
  composeObject,
  copyObject,
  deleteObject,
  getObject,
  listObjects,
  rewriteObject,
} from './object-routes.ts';
import { createSnapshot, missingPieces, receivePack } from './source-routes.ts';
import { cancelUpload, continueUpload, startUpload } from './upload-routes.ts';

type Handler = (call: StorageCall) => Promise<void>;

/** Host whose plain paths are objects, `/<bucket>/<object>`: gcloud has it hard-coded for logs and comes by our proxy. */
const GOOGLE_HOST = 'storage.googleapis.com';
/** The same paths at our own address. */
const PLAIN_PREFIX = '/storage/plain/';
/** Sources of `slipway submit`, no part of Google's API. */
const SOURCES = '/storage/sources/{project}';
const PREFIXES = [
  '/storage/v1/',
  '/storage/sources/',
  '/upload/storage/v1/',
  '/resumable/upload/storage/v1/',
  '/download/storage/v1/',
];

const OBJECT = '/storage/v1/b/{bucket}/o/{object+}';

const API = new Router<Handler>();
for (const [method, path, handler] of NOT_SERVED) API.on(method, path, handler);
API.on('GET', '/storage/v1/b', listBuckets)
  .on('POST', '/storage/v1/b', createBucket)
  .on('GET', '/storage/v1/b/{bucket}', getBucket)
  .on('DELETE', '/storage/v1/b/{bucket}', deleteBucket)
  .on('GET', '/storage/v1/b/{bucket}/managedFolders', listManagedFolders)
  .on('GET', '/storage/v1/b/{bucket}/storageLayout', getStorageLayout)
  .on('GET', '/storage/v1/b/{bucket}/o', listObjects)
  .on('POST', `${OBJECT}/rewriteTo/b/{toBucket}/o/{toObject+}`, rewriteObject)
  .on('POST', `${OBJECT}/copyTo/b/{toBucket}/o/{toObject+}`, copyObject)
  .on('POST', `${OBJECT}/compose`, composeObject)
  .on('GET', OBJECT, getObject)
  .on('PATCH', OBJECT, changeObject)
  .on('DELETE', OBJECT, deleteObject)
  .on('GET', `/download${OBJECT}`, sendMedia)
  .on('POST', `${SOURCES}/missing`, missingPieces)
  .on('POST', `${SOURCES}/packs`, receivePack)
  .on('POST', `${SOURCES}/snapshots`, createSnapshot);
for (const prefix of ['/upload', '/resumable/upload']) {
  API.on('POST', `${prefix}/storage/v1/b/{bucket}/o`, startUpload)
    .on('PUT', `${prefix}/storage/v1/b/{bucket}/o`, continueUpload)
    .on('DELETE', `${prefix}/storage/v1/b/{bucket}/o`, cancelUpload);
}

const PLAIN = new Router<Handler>().on('GET', '/{bucket}/{object+}', sendMedia);

/** Whether a request is this door's: by its path, and everything at the Google host's name. */
export function servesStorage(host: string | undefined, path: string): boolean {
  if (hostName(host) === GOOGLE_HOST || path.startsWith(PLAIN_PREFIX)) return true;
  return path === '/storage/v1/b' || PREFIXES.some((prefix) => path.startsWith(prefix));
}

/**
 * The Cloud Storage JSON API as gcloud, gsutil and the build steps speak it. Bytes stream in both directions; the server
 * that carries it must not cut long requests (`requestTimeout = 0`).
 */
export function storageDoor(parts: StorageDoorParts): NodeHandler {
  return (request, response) => {
    serve(request, response, parts).catch((error: unknown) => renderError(response, error));
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: StorageDoorParts): Promise<void> {
  const { path, query } = urlOf(request);
  const method = request.method ?? 'GET';
  const match = routeOf(method, hostName(request.headers.host), path);
  if (match === undefined) throw new StorageError(404, 'notFound', `Slipway has no ${method} ${path.slice(0, 300)}`);
  if ('allow' in match)
    throw new StorageError(405, 'methodNotAllowed', `${method} is not for this path.`, {
      Allow: match.allow.join(', '),
    });
  const identity = await identify(request, parts.context);
  if (identity === undefined)
    throw unauthorized('Invalid Credentials: the token is unknown, was revoked or has expired.');
  await match.handler({ ...parts, request, response, identity, query, params: match.params });
}

function routeOf(method: string, host: string, path: string): ReturnType<Router<Handler>['find']> {
  if (path.startsWith(PLAIN_PREFIX)) return PLAIN.find(method, path.slice(PLAIN_PREFIX.length - 1));
  const isApi = servesStorage(undefined, path);
  return isApi || host !== GOOGLE_HOST ? API.find(method, path) : PLAIN.find(method, path);
}

function hostName(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '').toLowerCase();
}
