import type { FastifyInstance } from 'fastify';
import { projectNumber } from '../../builds/project-number.ts';
import { authorised, type CloudBuildDeps, SCOPES, type Scope } from './call.ts';
import type { WireServiceAccount } from './wire.ts';

/** The account that gcloud prints; builds act by tokens of their own. */
export function serviceAccountRoutes(door: FastifyInstance, deps: CloudBuildDeps): void {
  for (const base of SCOPES)
    door.get<{ Params: Scope }>(`${base}/defaultServiceAccount`, async (request): Promise<WireServiceAccount> => {
      const { project } = await authorised(request, 'reader', deps);
      const number = projectNumber(project);
      return {
        name: `projects/${number}/locations/${request.params.location ?? 'global'}/defaultServiceAccount`,
        serviceAccountEmail: `${number}@cloudbuild.gserviceaccount.com`,
      };
    });
}
