import { join } from 'node:path';
import { describe } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { dockerClients } from '../docker-lessons/docker-clients.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../server.ts';
import { terminalSuite } from './terminal-suite.ts';

const [client] = dockerClients;
const lacks = `${await missingForBuilds('tmux')}${client === undefined ? ': no docker' : ''}`;

describe.skipIf(lacks !== '')(`at a terminal${lacks}`, () => {
  terminalSuite('containers of our docker door', async () => {
    const server = await TestServer.start({ config: await mirrorConfig() });
    const docker = client?.path ?? '';
    const env = { DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`, DOCKER_CONFIG: '/nonexistent' };
    await runOk(docker, ['pull', 'busybox'], { env: { ...process.env, ...env } });
    return { docker, env, close: () => server.close() };
  });
});
