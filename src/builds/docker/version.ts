import type { DockerCommand } from './command.ts';

export const version: DockerCommand = {
  name: 'version',
  usage: '[OPTIONS]',
  summary: 'Show the Docker version information',
  flags: [{ name: 'format', short: 'f', takes: 'value' }],
  args: { min: 0, max: 0 },
  async run(_flags, docker) {
    docker.out('Slipway: the docker builder of this server, no daemon');
    return 0;
  },
};
