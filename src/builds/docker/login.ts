import { isOwnHost } from '../../stores/registry/name.ts';
import type { DockerCommand } from './command.ts';

const HUB = 'docker.io';

/** A build is logged in already to the hosts that we serve; for others the server keeps the credentials. */
export const login: DockerCommand = {
  name: 'login',
  usage: '[OPTIONS] [SERVER]',
  summary: 'Log in to a registry',
  flags: [
    { name: 'username', short: 'u', takes: 'value' },
    { name: 'password', short: 'p', takes: 'value' },
    { name: 'password-stdin', takes: 'switch' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const server = (flags.args[0] ?? HUB).replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    if (isOwnHost(server, docker.ownNames)) {
      docker.out('Login Succeeded');
      return 0;
    }
    docker.err(`Error: this builder keeps no logins, and ${server} is not served by this server`);
    docker.err(`Put the credentials for ${server} into slipway.yaml (registries.credentials); builds then use them.`);
    return 1;
  },
};

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
