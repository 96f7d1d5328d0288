import { randomBytes } from 'node:crypto';
import type { DockerCommand } from './command.ts';
import { columns } from './table.ts';

const BUILDER = 'slipway';

/**
 * Builders are machines that build; here it is always this server. Files that make one before they build, as they have to
 * elsewhere, find it made.
 */
export const create: DockerCommand = {
  name: 'create',
  usage: '[OPTIONS] [CONTEXT|ENDPOINT]',
  summary: 'Create a new builder instance',
  flags: [
    ...['append', 'bootstrap', 'leave', 'use'].map((name) => ({ name, takes: 'switch' as const })),
    ...['driver', 'name', 'node', 'buildkitd-config', 'buildkitd-flags'].map((name) => ({
      name,
      takes: 'value' as const,
    })),
    ...['driver-opt', 'platform'].map((name) => ({ name, takes: 'list' as const })),
    { name: 'config', takes: 'value' },
    { name: 'builder', takes: 'value' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    docker.out(flags.one('name') || flags.one('builder') || `builder_${randomBytes(4).toString('hex')}`);
    return 0;
  },
};

export const use: DockerCommand = {
  name: 'use',
  usage: '[OPTIONS] NAME',
  summary: 'Set the current builder instance',
  flags: ['default', 'global', 'builder'].map((name) => ({ name, takes: name === 'builder' ? 'value' : 'switch' })),
  args: { min: 1, max: 1 },
  run: async () => 0,
};

export const remove: DockerCommand = {
  name: 'rm',
  usage: '[OPTIONS] [NAME] [NAME...]',
  summary: 'Remove one or more builder instances',
  flags: [
    ...['all-inactive', 'keep-daemon', 'keep-state'].map((name) => ({ name, takes: 'switch' as const })),
    { name: 'force', short: 'f', takes: 'switch' },
    { name: 'builder', takes: 'value' },
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  async run(flags, docker) {
    for (const name of flags.args) docker.out(`${name} removed`);
    return 0;
  },
};

export const inspectBuilder: DockerCommand = {
  name: 'inspect',
  usage: '[NAME]',
  summary: 'Inspect current builder instance',
  flags: [
    { name: 'bootstrap', takes: 'switch' },
    { name: 'builder', takes: 'value' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const name = flags.args[0] ?? flags.one('builder') ?? BUILDER;
    for (const line of [`Name:   ${name}`, 'Driver: docker', '', 'Nodes:', `Name:     ${BUILDER}`, 'Status:   running'])
      docker.out(line);
    return 0;
  },
};

export const list: DockerCommand = {
  name: 'ls',
  usage: '',
  summary: 'List builder instances',
  flags: [
    { name: 'no-trunc', takes: 'switch' },
    { name: 'builder', takes: 'value' },
  ],
  args: { min: 0, max: 0 },
  async run(_flags, docker) {
    for (const line of columns([
      ['NAME/NODE', 'DRIVER/ENDPOINT', 'STATUS'],
      [`${BUILDER}*`, 'docker', ''],
      [` \\_ ${BUILDER}`, ' \\_ this server', 'running'],
    ]))
      docker.out(line.trimEnd());
    return 0;
  },
};
