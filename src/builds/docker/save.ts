import { posix } from 'node:path';
import { familiarName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerCommand } from './command.ts';

/** Archives are files of the workspace: a step's standard streams are the log and nothing. */
export const save: DockerCommand = {
  name: 'save',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
  flags: [
    { name: 'output', short: 'o', takes: 'value' },
    { name: 'platform', takes: 'list' },
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, docker) {
    const to = flags.one('output') ?? '';
    if (to === '')
      throw new Problem('unsupported', "a step's standard output is the log of the build", {
        hint: 'Name a file of the workspace: docker save -o FILE IMAGE.',
      });
    if (flags.has('platform')) throw new Problem('unsupported', '--platform is not supported: an image here has one');
    const path = posix.resolve(docker.cwd, to);
    await docker.engine.save(flags.args, 'docker', (bytes) => docker.files.replace(path, bytes), docker.caller);
    return 0;
  },
};

export const load: DockerCommand = {
  name: 'load',
  usage: '[OPTIONS]',
  summary: 'Load an image from a tar archive or STDIN',
  flags: [
    { name: 'input', short: 'i', takes: 'value' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'platform', takes: 'list' },
  ],
  args: { min: 0, max: 0 },
  async run(flags, docker) {
    const from = flags.one('input') ?? '';
    if (from === '')
      throw new Problem('unsupported', 'a build step has no standard input', {
        hint: 'Name a file of the workspace: docker load -i FILE.',
      });
    if (flags.has('platform'))
      throw new Problem('unsupported', '--platform is not supported: the archive is taken whole');
    const bytes = await docker.files.read(posix.resolve(docker.cwd, from));
    try {
      for (const { names } of await docker.engine.load(bytes, docker.caller))
        for (const name of names) docker.out(`Loaded image: ${familiarName(parseReference(name))}`);
    } finally {
      bytes.destroy();
    }
    return 0;
  },
};
