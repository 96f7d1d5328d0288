import { Router } from '../http/router.ts';
import { buildRoutes } from './build/routes.ts';
import { buildkitRoutes } from './buildkit/routes.ts';
import type { DockerHandler } from './call.ts';
import { containerRoutes } from './containers/routes.ts';
import { imageRoutes } from './images/routes.ts';
import { networkRoutes } from './networks/routes.ts';
import { sessionRoutes } from './session/routes.ts';
import { systemRoutes } from './system/routes.ts';
import { volumeRoutes } from './volumes/routes.ts';

/** Every path of the Engine API that is served, without the version in front of it. Each folder adds its own. */
export function dockerRoutes(): Router<DockerHandler> {
  const router = new Router<DockerHandler>();
  systemRoutes(router);
  containerRoutes(router);
  imageRoutes(router);
  volumeRoutes(router);
  networkRoutes(router);
  buildRoutes(router);
  sessionRoutes(router);
  buildkitRoutes(router);
  return router;
}
