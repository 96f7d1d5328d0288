import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatGrantScope } from '../auth/grant-scope.ts';
import type { Grant } from '../auth/identity.ts';
import type { ControlService } from '../doors/control/routes.ts';
import type { ControlMethod } from '../doors/control/wire.ts';
import { writeDurably } from '../lib/durable-file.ts';
import { hasErrorCode } from '../lib/problem.ts';
import type { CollectReport } from '../stores/content/collect.ts';
import { isOwnHost } from '../stores/registry/name.ts';
import { examine } from './doctor.ts';
import { cleanCacheMounts } from './housekeeping.ts';
import type { Owner } from './owner.ts';
import { RegistrySettings } from './registries.ts';
import { VERSION } from './version.ts';

const HOUR_MS = 60 * 60 * 1000;

export interface ControlParts {
  owner: Owner;
  /** Base URL of the HTTP doors; empty when none is open. */
  url: string;
  /** One round of housekeeping. */
  clean(): Promise<CollectReport>;
  /** The engine, wherever it runs. */
  engine(name: string, request: unknown, emit: (event: unknown) => void, signal: AbortSignal): Promise<unknown>;
}

/** The calls of the command line, answered by the owner of the data folder. */
export function controlService(parts: ControlParts): ControlService {
  const { owner, url } = parts;
  const startedAt = Date.now();
  const engine = <M extends ControlMethod>(name: M): ControlService[M] =>
    // the engine's own types are checked where the call is made (worker-calls.ts); between processes it is JSON
    ((request: unknown, emit: (event: unknown) => void, signal: AbortSignal) =>
      parts.engine(name, request, emit, signal)) as ControlService[M];
  return {
    status: async () => ({
      version: VERSION,
      pid: process.pid,
      url,
      data: owner.folder.root,
      startedAt,
      location: owner.config.registries.defaultLocation,
    }),
    build: engine('build'),
    images: engine('images'),
    inspect: engine('inspect'),
    tag: engine('tag'),
    remove: engine('remove'),
    pull: engine('pull'),
    push: engine('push'),
    save: engine('save'),
    load: engine('load'),
    copy: engine('copy'),
    async createToken({ note, grants, expiresAt }) {
      const { info, secret } = await owner.tokens.create({ note, grants, expiresAt });
      return { id: info.id, secret };
    },
    async registryLogin({ host }) {
      if (!isOwnHost(host, new RegistrySettings(owner.folder.config).ownNames(owner.config.listen))) return null;
      const access = await owner.tokens.accessTokenFor((await readFile(owner.folder.token, 'utf8')).trim());
      return access === undefined ? null : { username: 'oauth2accesstoken', secret: access.token };
    },
    async tokens() {
      return (await owner.tokens.list()).map(({ grants, ...token }) => ({
        ...token,
        grants: grants.map(describeGrant),
      }));
    },
    revokeToken: ({ id }) => owner.tokens.revoke(id),
    serviceAccountKey: ({ project }) => serviceAccountKey(owner, url, project),
    prune: async ({ cache }) => {
      const limits = cache && {
        unusedSince: cache.unusedForMs === undefined ? undefined : Date.now() - cache.unusedForMs,
        maxBytes: cache.keepBytes,
      };
      const records = limits === undefined ? 0 : (await owner.pruneCache(limits)).records;
      const cacheMounts = await cleanCacheMounts(owner, {
        // without limits, whatever no build of the last hour used: as with layers
        idleMs: cache?.unusedForMs === undefined ? undefined : Math.max(cache.unusedForMs, HOUR_MS),
        maxBytes: cache?.keepBytes,
      });
      const { blobs, bytes } = await parts.clean();
      return { blobs, bytes, records, cacheMounts };
    },
    doctor: (request, emit, signal) => examine(owner, request.verify, emit, signal),
  };
}

function describeGrant({ role, ...scope }: Grant): string {
  return `${role} of ${formatGrantScope(scope)}`;
}

/**
 * One key per project and address, kept for the next call: `slipway env` is run in every terminal. It is made anew when
 * the server's address has changed, because the key file names our token endpoint.
 */
async function serviceAccountKey(owner: Owner, url: string, project: string): Promise<{ email: string; key: string }> {
  const file = join(owner.folder.root, `service-account-${project.replaceAll(/[^a-z0-9-]/g, '_')}.json`);
  const tokenUri = `${url}/oauth2/token`;
  const kept = await readKept(file);
  if (
    kept !== undefined &&
    kept.token_uri === tokenUri &&
    (await owner.tokens.verify(JSON.stringify(kept))) !== undefined
  )
    return { email: kept.client_email, key: JSON.stringify(kept, null, 2) };
  const { key } = await owner.accounts.create({
    note: `slipway env, project ${project}`,
    project,
    grants: [{ role: 'admin', project: '*' }],
    tokenUri,
  });
  await writeDurably(file, JSON.stringify(key), 0o600);
  return { email: key.client_email, key: JSON.stringify(key, null, 2) };
}

async function readKept(file: string): Promise<{ token_uri: string; client_email: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { token_uri: string; client_email: string };
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
