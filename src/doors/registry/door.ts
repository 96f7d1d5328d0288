import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identity } from '../../auth/identity.ts';
import { sendJson, urlOf } from '../http/answer.ts';
import { identify } from '../http/credentials.ts';
import type { NodeHandler } from '../http/door.ts';
import { Router } from '../http/router.ts';
import { unauthorized } from './access.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import type { RegistryCall, RegistryDoorParts } from './call.ts';
import { RegistryError, renderError } from './errors.ts';
import { listRepositories, listTags } from './lists.ts';
import { ManifestCache } from './manifest-cache.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { listReferrers } from './referrers.ts';
import { serveToken } from './token-service.ts';
import { appendUpload, cancelUpload, finishUpload, getUpload, startUpload } from './uploads.ts';

type Handler = (call: RegistryCall) => Promise<void>;

const ROUTES = new Router<Handler>()
  .on('GET', '/v2/', ping)
  .on('GET', '/v2', ping)
  .on('GET', '/v2/_catalog', listRepositories)
  .on('POST', '/v2/{name+}/blobs/uploads/', startUpload)
  .on('POST', '/v2/{name+}/blobs/uploads', startUpload)
  .on('GET', '/v2/{name+}/blobs/uploads/{upload}', getUpload)
  .on('PATCH', '/v2/{name+}/blobs/uploads/{upload}', appendUpload)
  .on('PUT', '/v2/{name+}/blobs/uploads/{upload}', finishUpload)
  .on('DELETE', '/v2/{name+}/blobs/uploads/{upload}', cancelUpload)
  .on('GET', '/v2/{name+}/blobs/{digest}', getBlob)
  .on('DELETE', '/v2/{name+}/blobs/{digest}', deleteBlob)
  .on('GET', '/v2/{name+}/manifests/{reference}', getManifest)
  .on('PUT', '/v2/{name+}/manifests/{reference}', putManifest)
  .on('DELETE', '/v2/{name+}/manifests/{reference}', deleteManifest)
  .on('GET', '/v2/{name+}/tags/list', listTags)
  .on('GET', '/v2/{name+}/referrers/{digest}', listReferrers);

/** The token service; it reads credentials itself, because they may come in a form. */
export const TOKEN_PATH = '/v2/token';

/**
 * The OCI distribution door: every path below `/v2/`, the token service included. Bytes stream in both directions; the
 * server that carries it must not cut long requests (`requestTimeout = 0`).
 */
export function registryDoor(parts: RegistryDoorParts): NodeHandler {
  const manifests = new ManifestCache(parts.content);
  return (request, response) => {
    serve(request, response, parts, manifests).catch((error: unknown) => renderError(response, error));
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  parts: RegistryDoorParts,
  manifests: ManifestCache,
): Promise<void> {
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  const { path, query } = urlOf(request);
  const method = request.method ?? 'GET';
  if (path === TOKEN_PATH && (method === 'GET' || method === 'POST')) return serveToken(request, response, parts);
  const match = ROUTES.find(method, path);
  if (match === undefined) throw new RegistryError(404, 'NAME_UNKNOWN', `no such path: ${path.slice(0, 300)}`);
  if ('allow' in match)
    throw new RegistryError(405, 'UNSUPPORTED', `${method} is not for this path`, {
      headers: { Allow: match.allow.join(', ') },
    });
  const identity = await identityOf(request, parts);
  await match.handler(callOf(parts, { request, response, identity, path, query, params: match.params, manifests }));
}

/** Name by name: to spread so many properties over an object takes as long as answering from it. */
function callOf(parts: RegistryDoorParts, own: Omit<RegistryCall, keyof RegistryDoorParts>): RegistryCall {
  return {
    store: parts.store,
    pulls: parts.pulls,
    mirrors: parts.mirrors,
    content: parts.content,
    uploads: parts.uploads,
    tokens: parts.tokens,
    context: parts.context,
    names: parts.names,
    isPublic: parts.isPublic,
    link: parts.link,
    request: own.request,
    response: own.response,
    identity: own.identity,
    path: own.path,
    params: own.params,
    query: own.query,
    manifests: own.manifests,
  };
}

async function identityOf(request: IncomingMessage, parts: RegistryDoorParts): Promise<Identity> {
  const identity = await identify(request, parts.context);
  if (identity === undefined) throw unauthorized(request, 'the token is unknown, was revoked or has expired');
  return identity;
}

/**
 * GET `/v2/`. An anonymous 200 would make clients skip the login for everything that follows, so whoever shows nothing
 * is asked to (distribution-spec leaves this open; docker, podman and containerd stand on it).
 */
async function ping(call: RegistryCall): Promise<void> {
  if (call.identity.kind === 'anonymous' && call.request.headers.authorization === undefined)
    throw unauthorized(call.request, 'log in first');
  sendJson(call.response, 200, {});
}
