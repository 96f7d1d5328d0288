import type { FastifyInstance } from 'fastify';
import type { NodeHandler } from '../http/door.ts';
import { requireIdentity } from '../http/google-access.ts';
import { googleServer } from '../http/google-server.ts';
import type { ArtifactsDeps } from './call.ts';
import { sendError } from './errors.ts';
import { ARTIFACTS_OPERATION, operationRoutes } from './operations.ts';
import { repositoryRoutes } from './repositories.ts';
import { tagRoutes } from './tags.ts';
import { versionRoutes } from './versions.ts';

/** Artifact Registry's REST API, as far as images go, behind Fastify. Listens nowhere by itself. */
export function artifactsServer(deps: ArtifactsDeps): Promise<FastifyInstance> {
  return googleServer(async (door) => {
    door.addHook('preHandler', async (request) => readPackage(request.params));
    repositoryRoutes(door, deps);
    versionRoutes(door, deps);
    tagRoutes(door, deps);
    operationRoutes(door, deps);
    analysisRoutes(door, deps);
  }, sendError);
}

/**
 * An image's path is one segment here, so its slashes are `%2F` in the resource's own name, and clients encode that name
 * once more for the URL. (No image has a percent sign in its name.)
 */
function readPackage(params: unknown): void {
  if (typeof params === 'object' && params !== null && 'package' in params && typeof params.package === 'string')
    params.package = params.package.replaceAll(/%2f/gi, '/');
}

/** The same as a plain handler, to be called for the paths that `servesArtifacts` knows. */
export async function artifactsHandler(deps: ArtifactsDeps): Promise<NodeHandler> {
  const server = await artifactsServer(deps);
  return (request, response) => server.routing(request, response);
}

const PATHS =
  /^\/v1(?:beta2)?\/projects\/[^/]+\/(?:locations(?:\/[^/]+\/repositories(?:$|\/))?$|locations\/[^/]+\/repositories\/|services\/|occurrences$)/;

/** Whether a path is this door's; Cloud Build's lies below the same `/v1/projects/`. */
export function servesArtifacts(path: string): boolean {
  return PATHS.test(path) || ARTIFACTS_OPERATION.test(path);
}

/**
 * `gcloud artifacts docker images describe` asks Container Analysis what it knows of vulnerabilities, and before that
 * whether that service is switched on. It is, and it knows nothing.
 */
function analysisRoutes(door: FastifyInstance, deps: ArtifactsDeps): void {
  door.get<{ Params: { project: string; service: string } }>(
    '/v1/projects/:project/services/:service',
    async (request) => {
      await requireIdentity(request.raw, deps);
      const { project, service } = request.params;
      return { name: `projects/${project}/services/${service}`, state: 'ENABLED' };
    },
  );
  door.get('/v1/projects/:project/occurrences', async (request) => {
    await requireIdentity(request.raw, deps);
    return {};
  });
}
