import { join } from 'node:path';
import type { DockerDaemon } from '../../peers/docker-daemon.ts';
import { run } from '../../peers/docker-daemon.ts';
import { type ServerOptions, TestServer } from '../../wire/server.ts';

/** Our docker door in the place of dockerd, for what is asked of both. */
export async function startDoor(
  client: string,
  options: ServerOptions = {},
): Promise<DockerDaemon & { server: TestServer }> {
  const server = await TestServer.start(options);
  const host = `unix://${join(server.data, 'docker.sock')}`;
  return {
    version: 'slipway',
    host,
    server,
    docker: (args, env = {}) =>
      run(client, args, { PATH: process.env['PATH'], DOCKER_HOST: host, DOCKER_CONFIG: server.folder, ...env }),
    stop: () => server.close(),
  };
}
