import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identity } from '../../auth/identity.ts';
import type { AccessTokenIssuer } from '../../auth/tokens.ts';
import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import type { ContentStore } from '../../stores/content/content.ts';
import type { UploadSessions } from '../../stores/content/uploads.ts';
import { type OwnName, type OwnNames, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { RegistryStore } from '../../stores/registry/registry.ts';
import type { PullSource } from '../../stores/upstream/pull-source.ts';
import type { DoorContext } from '../http/door.ts';
import { asInvalid, RegistryError } from './errors.ts';
import type { ManifestCache } from './manifest-cache.ts';
import type { MirroredNames } from './pull-target.ts';

/** What the door stands on; start/ joins it. */
export interface RegistryDoorParts {
  store: RegistryStore;
  /** What a pull sees of the store, and of what other registries have. */
  pulls: PullSource;
  /** Absent: this server is nobody's mirror. */
  mirrors?: MirroredNames | undefined;
  content: ContentStore;
  uploads: UploadSessions;
  /** For the token service. */
  tokens: AccessTokenIssuer;
  context: DoorContext;
  names: OwnNames;
  /** Whether everybody may pull from the repository that holds this image. */
  isPublic(name: OwnName): Promise<boolean>;
  /** Where clients fetch a blob's bytes in place of here, for some minutes; absent: they are sent from here. */
  link?: ((digest: Digest) => Promise<string>) | undefined;
}

/** One request on its way: who asks, for what, and where the answer goes. */
export interface RegistryCall extends RegistryDoorParts {
  request: IncomingMessage;
  response: ServerResponse;
  identity: Identity;
  /** As the client wrote it, percent-encoding included: locations that we answer begin with it. */
  path: string;
  params: Record<string, string>;
  query: URLSearchParams;
  manifests: ManifestCache;
}

/** The repository that a call is about. */
export interface Target {
  /** As the client named it. */
  path: string;
  name: OwnName;
  key: string;
}

/** Reads a repository as this client names it: what it means depends on the host that was asked. */
export function targetOf(call: RegistryCall, path: string): Target {
  try {
    const name = ownName(call.request.headers.host ?? '', path, call.names);
    return { path, name, key: repositoryKey(name) };
  } catch (error) {
    return asInvalid('NAME_INVALID')(error);
  }
}

/** @throws RegistryError 400 when the text is no digest that we know */
export function digestParam(text: string | null | undefined): Digest {
  if (text !== null && text !== undefined && isDigest(text)) return text;
  throw new RegistryError(400, 'DIGEST_INVALID', `not a sha256 or sha512 digest: ${JSON.stringify(text ?? '')}`);
}

/** The path of something else in the same repository, relative to the host, so that clients never see another address. */
export function locationOf(repository: string, rest: string): string {
  return `/v2/${repository}/${rest}`;
}

/** Entries of one list when the client names no number, and the most that it gets: about 1 MB of JSON. */
const LARGEST_PAGE = 10_000;

/** How many entries of a list are asked for. @throws RegistryError 400 when `n` is no number */
export function pageSize(call: RegistryCall): number {
  const text = call.query.get('n');
  if (text === null || text === '') return LARGEST_PAGE;
  if (!/^\d{1,9}$/.test(text))
    throw new RegistryError(400, 'PAGINATION_NUMBER_INVALID', `n is no number: ${JSON.stringify(text)}`);
  return Math.min(Number(text), LARGEST_PAGE);
}
