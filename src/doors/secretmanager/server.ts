import type { NodeHandler } from '../http/door.ts';
import { googleServer } from '../http/google-server.ts';
import type { SecretManagerDeps } from './call.ts';
import { sendError } from './errors.ts';
import { secretRoutes } from './secrets.ts';
import { versionRoutes } from './versions.ts';

/** Secret Manager's REST API, to be called for the paths that `servesSecrets` knows. */
export async function secretManagerHandler(deps: SecretManagerDeps): Promise<NodeHandler> {
  const server = await googleServer(async (door) => {
    secretRoutes(door, deps);
    versionRoutes(door, deps);
  }, sendError);
  return (request, response) => server.routing(request, response);
}

const PATHS = /^\/v1\/projects\/[^/]+\/secrets(?:$|\/)/;

/** Whether a path is this door's; Cloud Build's lies below the same `/v1/projects/`. */
export function servesSecrets(path: string): boolean {
  return PATHS.test(path);
}
