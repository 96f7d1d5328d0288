import type { FastifyInstance } from 'fastify';
import { may, mayReadSome } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import type { RepositoryChange } from '../../stores/repositories/repositories.ts';
import { repositoryPath } from '../../stores/repositories/repository.ts';
import { requireIdentity, requireRole } from '../http/google-access.ts';
import { GoogleError } from '../http/google-errors.ts';
import { type ArtifactsDeps, idOf, type Names, pageSize, REPOSITORIES, requireRepository } from './call.ts';
import { policyRoutes } from './iam-policy.ts';
import { checkMayOpen, checkMembers } from './member-rights.ts';
import { doneOperation } from './operations.ts';
import { readJson, repositorySchema } from './read-json.ts';
import { type SentSettings, settingsOf, wireRepository } from './repository-json.ts';

type InLocation = { Params: { project: string; location: string } };
type OfRepository = { Params: Omit<Names, 'package'> };

/** projects.locations, and projects.locations.repositories: list, create, get, patch, delete, and who may pull. */
export function repositoryRoutes(door: FastifyInstance, deps: ArtifactsDeps): void {
  locations(door, deps);
  for (const base of REPOSITORIES) {
    listAndCreate(door, base, deps);
    one(door, base, deps);
    policyRoutes(door, base, deps);
  }
}

function locations(door: FastifyInstance, deps: ArtifactsDeps): void {
  for (const version of ['/v1', '/v1beta2'])
    door.get<{ Params: { project: string } }>(`${version}/projects/:project/locations`, async (request) => {
      const { project } = request.params;
      const identity = await requireIdentity(request.raw, deps);
      const used = mayReadSome(identity, project) ? await deps.repositories.locations(project) : [];
      const found = new Set([deps.defaultLocation(), ...used]);
      return {
        locations: [...found].sort().map((locationId) => ({
          name: `projects/${project}/locations/${locationId}`,
          locationId,
        })),
      };
    });
}

function listAndCreate(door: FastifyInstance, base: string, deps: ArtifactsDeps): void {
  door.get<InLocation & { Querystring: Record<string, string> }>(base, async (request) => {
    const { project, location } = request.params;
    const identity = await requireIdentity(request.raw, deps);
    const after = request.query['pageToken'] ?? '';
    const limit = pageSize(request.query['pageSize']);
    const all = await deps.repositories.list({ project, location: location === '-' ? undefined : location });
    const seen = all.filter(
      (one) => (one.anonymousPull || may(identity, 'reader', project, one.repository)) && repositoryPath(one) > after,
    );
    const page = seen.slice(0, limit);
    const last = page.at(-1);
    return {
      repositories: await Promise.all(
        page.map(async (one) => wireRepository(one, (await deps.registry.size(`${repositoryPath(one)}/`)).bytes)),
      ),
      ...(last !== undefined && seen.length > limit ? { nextPageToken: repositoryPath(last) } : {}),
    };
  });

  door.post<InLocation & { Querystring: { repositoryId?: string } }>(base, async (request) => {
    const { project, location } = request.params;
    const repository = request.query.repositoryId ?? '';
    const identity = await requireRole(request.raw, 'admin', project, deps, { repository });
    const id = { project, location, repository };
    if ((await deps.repositories.get(id)) !== undefined)
      throw new GoogleError(409, 'ALREADY_EXISTS', 'the repository already exists');
    const settings = settingsOf(readJson(repositorySchema, request.body));
    await checkMembers(identity, id, settings.virtual ?? [], deps);
    const made = await deps.repositories.create({ ...id, ...settings }, identity.name);
    return doneOperation(request.params, { repository: wireRepository(made), id: repository });
  });
}

function one(door: FastifyInstance, base: string, deps: ArtifactsDeps): void {
  door.get<OfRepository>(`${base}/:repository`, async (request) => {
    const { repository } = await requireRepository(request, 'reader', deps);
    return wireRepository(repository, (await deps.registry.size(`${repositoryPath(repository)}/`)).bytes);
  });

  door.patch<OfRepository & { Querystring: { updateMask?: string } }>(`${base}/:repository`, async (request) => {
    const { identity, repository } = await requireRepository(request, 'admin', deps);
    const change = masked(settingsOf(readJson(repositorySchema, request.body)), request.query.updateMask);
    const { virtual } = change;
    if (virtual !== undefined) {
      await checkMembers(identity, repository, virtual, deps, repository.virtual);
      if (repository.anonymousPull) await checkMayOpen(identity, { ...repository, virtual }, deps);
    }
    return wireRepository(await deps.repositories.update(idOf(request.params), change, identity.name));
  });

  door.delete<OfRepository>(`${base}/:repository`, async (request) => {
    const { identity } = await requireRepository(request, 'admin', deps);
    await deps.repositories.remove(idOf(request.params), identity.name);
    return doneOperation(request.params, undefined);
  });
}

/** Fields of the resource, as clients spell them in a mask, and the setting that each is; an absent one is its default. */
const MASKED: Record<string, (sent: SentSettings) => RepositoryChange> = {
  description: ({ description = '' }) => ({ description }),
  labels: ({ labels = {} }) => ({ labels }),
  dockerConfig: ({ immutableTags = false }) => ({ immutableTags }),
  cleanupPolicies: ({ cleanupPolicies = [] }) => ({ cleanupPolicies }),
  cleanupPolicyDryRun: ({ cleanupDryRun = false }) => ({ cleanupDryRun }),
  virtualRepositoryConfig: ({ virtual = [] }) => ({ virtual }),
};

/** @throws Problem `invalid` for a field that can't be changed: silence would be taken for success */
function masked(sent: SentSettings, mask: string | undefined): RepositoryChange {
  if (mask === undefined || mask === '') {
    const { mode: _mode, remote: _remote, ...change } = sent;
    return change;
  }
  let change: RepositoryChange = {};
  for (const path of mask.split(',')) {
    const field = (path.split('.')[0] ?? '').replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    const read = Object.hasOwn(MASKED, field) ? MASKED[field] : undefined;
    if (read === undefined)
      throw new Problem('invalid', `updateMask: ${JSON.stringify(path.slice(0, 100))} can't be changed here`, {
        hint: `What can: ${Object.keys(MASKED).join(', ')}.`,
      });
    change = { ...change, ...read(sent) };
  }
  return change;
}
