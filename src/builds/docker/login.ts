import { Problem } from '../../lib/problem.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { DockerCommand } from './command.ts';
import { registryHost, StepLogins } from './logins.ts';

/** Asks the registry and keeps the login in the home that all steps share; on the hosts that we serve a build is logged in. */
export const login: DockerCommand = {
  name: 'login',
  usage: '[OPTIONS] [SERVER]',
  summary: 'Authenticate to a registry',
  flags: [
    { name: 'username', short: 'u', takes: 'value' },
    { name: 'password', short: 'p', takes: 'value' },
    { name: 'password-stdin', takes: 'switch' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const host = registryHost(flags.args[0] ?? '');
    if (!isOwnHost(host, docker.ownNames)) {
      if (flags.on('password-stdin'))
        throw new Problem('unsupported', 'a build step has no standard input, so there is no password on it', {
          hint: `Take entrypoint bash with args [-c, "docker login ${host} -u USER --password-stdin < FILE"], or put the credentials into slipway.yaml (registries.credentials).`,
        });
      const username = flags.one('username') ?? '';
      const password = flags.one('password') ?? '';
      if (username === '' || password === '') {
        docker.err('Error: Cannot perform an interactive login from a non TTY device');
        return 1;
      }
      docker.err('WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
      await docker.verifyLogin(host, { username, password }, docker.caller.signal);
      await new StepLogins(docker).add(host, { username, password });
    }
    docker.out('Login Succeeded');
    return 0;
  },
};

export const logout: DockerCommand = {
  name: 'logout',
  usage: '[SERVER]',
  summary: 'Log out from a registry',
  flags: [],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const host = registryHost(flags.args[0] ?? '');
    const removed = await new StepLogins(docker).remove(host);
    docker.out(removed ? `Removing login credentials for ${host}` : `Not logged in to ${host}`);
    return 0;
  },
};
