import { sendJson } from '../../http/answer.ts';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler } from '../call.ts';
import { DockerError } from '../errors.ts';

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/**
 * What a daemon has that is in no swarm and has no plugins, in dockerd's own words: `docker inspect`, `docker stack` and
 * completions of shells ask for these by the way, and have to be told at once.
 */
export function swarmRoutes(router: Router<DockerHandler>): void {
  router
    .on('POST', '/swarm/init', noSwarm)
    .on('POST', '/swarm/join', noSwarm)
    .on('POST', '/swarm/leave', notPart)
    .on('GET', '/plugins', async ({ response }) => sendJson(response, 200, []))
    .on('GET', '/plugins/privileges', noPlugins)
    .on('POST', '/plugins/pull', noPlugins)
    .on('POST', '/plugins/create', noPlugins)
    .on('GET', '/plugins/{name+}/json', noPlugin)
    .on('DELETE', '/plugins/{name+}', noPlugin)
    .on('POST', '/plugins/{name+}/{verb}', noPlugin);
  for (const kind of ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'])
    for (const method of ['GET', 'POST', 'DELETE'])
      router.on(method, `/${kind}`, noManager).on(method, `/${kind}/{rest+}`, noManager);
}

async function noManager(): Promise<void> {
  throw new DockerError(503, NO_MANAGER);
}

async function noSwarm(): Promise<void> {
  throw new DockerError(501, 'Slipway has no swarm mode');
}

async function notPart(): Promise<void> {
  throw new DockerError(503, 'This node is not part of a swarm');
}

async function noPlugins(): Promise<void> {
  throw new DockerError(501, 'Slipway has no plugins');
}

async function noPlugin({ params }: DockerCall): Promise<void> {
  throw new DockerError(404, `plugin "${params['name']}" not found`);
}
