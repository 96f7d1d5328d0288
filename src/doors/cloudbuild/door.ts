import type { FastifyPluginAsync } from 'fastify';
import { buildRoutes } from './builds.ts';
import type { CloudBuildDeps } from './call.ts';
import { connectionRoutes } from './connections.ts';
import { operationRoutes } from './operations.ts';
import { serviceAccountRoutes } from './service-account.ts';
import { triggerRoutes } from './triggers.ts';
import { webhookRoutes } from './webhooks.ts';
import { workerPoolRoutes } from './worker-pools.ts';

/** Cloud Build's API: each resource has its file here. */
export function cloudbuildDoor(deps: CloudBuildDeps): FastifyPluginAsync {
  return async (door) => {
    buildRoutes(door, deps);
    operationRoutes(door, deps);
    serviceAccountRoutes(door, deps);
    workerPoolRoutes(door, deps);
    if (deps.triggering === undefined) return;
    triggerRoutes(door, deps, deps.triggering);
    connectionRoutes(door, deps, deps.triggering);
    webhookRoutes(door, deps, deps.triggering);
  };
}
