import { run } from '../../src/lib/run.ts';
import { AccountedGroup } from '../accounting.ts';
import type { Candidate } from './contender.ts';
import { programsOnPath } from './programs.ts';

/** Keeps nothing and builds nothing: it is here for the mirror and for pushes. */
export const skopeo: Candidate = {
  name: 'skopeo',
  async find() {
    if (programsOnPath('skopeo').length === 0) return { absent: 'skopeo is not installed' };
    const { stdout } = await run('skopeo', ['--version']);
    return { version: /version ([\d.]+)/.exec(stdout)?.[1] ?? stdout.trim() };
  },
  async begin() {
    const group = await AccountedGroup.create('skopeo');
    const flags = ['-q', '--src-tls-verify=false', '--dest-tls-verify=false'];
    return {
      name: 'skopeo',
      group,
      renew: async () => undefined,
      mirror: async (source, target) => [
        { argv: ['skopeo', 'copy', ...flags, `docker://${source}`, `docker://${target}`] },
      ],
      send: async (folder, target) => [
        { argv: ['skopeo', 'copy', '-q', '--dest-tls-verify=false', `dir:${folder}`, `docker://${target}`] },
      ],
      end: () => group.end(),
    };
  },
};
