import type { FastifyInstance } from 'fastify';
import { Problem } from '../../lib/problem.ts';
import { type ArtifactsDeps, idOf, type Names, requireRepository } from './call.ts';
import { checkMayOpen } from './member-rights.ts';
import { policySchema, readJson } from './read-json.ts';

type OfRepository = { Params: Omit<Names, 'package'> };

interface WirePolicy {
  bindings?: { role?: string; members?: string[] }[];
  etag?: string;
}

const READER = 'roles/artifactregistry.reader';

/**
 * Of a repository's IAM policy one binding has a meaning here: `allUsers` as reader makes it public. Rights of everybody
 * else are in tokens.
 */
export function policyRoutes(door: FastifyInstance, base: string, deps: ArtifactsDeps): void {
  const wire = (open: boolean): WirePolicy => ({
    ...(open ? { bindings: [{ role: READER, members: ['allUsers'] }] } : {}),
    etag: open ? 'b3Blbg==' : 'Y2xvc2Vk',
  });

  door.get<OfRepository>(`${base}/:repository(^[^:]+)::getIamPolicy`, async (request) => {
    const { repository } = await requireRepository(request, 'admin', deps);
    return wire(repository.anonymousPull);
  });

  door.post<OfRepository>(`${base}/:repository(^[^:]+)::setIamPolicy`, async (request) => {
    const { identity, repository } = await requireRepository(request, 'admin', deps);
    const bindings = readJson(policySchema, request.body).policy?.bindings ?? [];
    for (const { role, members = [] } of bindings)
      if (role !== READER || members.some((member) => member !== 'allUsers'))
        throw new Problem('unsupported', `only allUsers can be given a role, and only ${READER}`, {
          hint: 'Rights of people and machines are in their tokens: slipway token create --role reader --repository P/R.',
        });
    const anonymousPull = bindings.some(({ members = [] }) => members.length > 0);
    if (anonymousPull && !repository.anonymousPull) await checkMayOpen(identity, repository, deps);
    const changed = await deps.repositories.update(idOf(request.params), { anonymousPull }, identity.name);
    return wire(changed.anonymousPull);
  });
}
