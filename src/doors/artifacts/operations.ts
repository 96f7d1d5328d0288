import type { FastifyInstance } from 'fastify';
import { requireIdentity, requireRole } from '../http/google-access.ts';
import { type ArtifactsDeps, existing } from './call.ts';
import { wireRepository } from './repository-json.ts';
import type { WireOperation } from './wire.ts';

const TYPE = 'type.googleapis.com/google.devtools.artifactregistry.v1';

/** Operations of this door, told from Cloud Build's by their ids. */
export const ARTIFACTS_OPERATION = /^\/v1(?:beta2)?\/projects\/[^/]+\/locations\/[^/]+\/operations\/artifacts-/;

/**
 * Everything here is done when it is answered; gcloud asks for the operation all the same. So nothing is kept of it: its
 * id says what it was about.
 */
export function doneOperation(
  { project, location }: { project: string; location: string },
  result: { repository: object; id: string } | undefined,
): WireOperation {
  const id = result === undefined ? 'artifacts-deleted' : `artifacts-repository-${result.id}`;
  return {
    name: `projects/${project}/locations/${location}/operations/${id}`,
    done: true,
    metadata: { '@type': `${TYPE}.OperationMetadata` },
    response:
      result === undefined
        ? { '@type': 'type.googleapis.com/google.protobuf.Empty' }
        : { '@type': `${TYPE}.Repository`, ...result.repository },
  };
}

export function operationRoutes(door: FastifyInstance, deps: ArtifactsDeps): void {
  for (const version of ['/v1', '/v1beta2'])
    door.get<{ Params: { project: string; location: string; operation: string } }>(
      `${version}/projects/:project/locations/:location/operations/:operation`,
      async (request) => {
        const { project, location, operation } = request.params;
        const id = /^artifacts-repository-(.+)$/.exec(operation)?.[1];
        if (id === undefined) {
          // it tells nothing; whoever has rights to a single repository asks as well after a deletion
          await requireIdentity(request.raw, deps);
          return doneOperation({ project, location }, undefined);
        }
        await requireRole(request.raw, 'reader', project, deps, { repository: id });
        const repository = await existing({ project, location, repository: id }, deps);
        return doneOperation({ project, location }, { repository: wireRepository(repository), id });
      },
    );
}
