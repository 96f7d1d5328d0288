import type { PullResult } from '../../engine/engine.ts';
import { parsePlatform } from '../../images/platform.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../../images/reference.ts';
import type { DockerCommand, DockerSession } from './command.ts';

export const pull: DockerCommand = {
  name: 'pull',
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Pull an image or a repository from a registry',
  flags: [
    { name: 'all-tags', short: 'a', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'platform', takes: 'value' },
    { name: 'disable-content-trust', takes: 'switch' },
  ],
  args: { min: 1, max: 1 },
  async run(flags, docker) {
    const named = parseReference(flags.args[0] ?? '');
    const reference = withDefaultTag(named);
    const quiet = flags.on('quiet');
    if (flags.on('all-tags')) return await pullAll(named, quiet, docker);
    if (named.tag === undefined && named.digest === undefined && !quiet) docker.out('Using default tag: latest');
    const platform = flags.one('platform');
    const result = await docker.engine.pull(familiarName(reference), docker.caller, {
      platform: platform === undefined ? undefined : parsePlatform(platform),
    });
    if (quiet) docker.out(formatReference(reference));
    else reportPull(reference, result, docker.out);
    return 0;
  },
};

async function pullAll(named: Reference, quiet: boolean, docker: DockerSession): Promise<number> {
  if (named.tag !== undefined || named.digest !== undefined) {
    docker.err("tag can't be used with --all-tags/-a");
    return 1;
  }
  const repository = familiarName(named);
  for (const tag of await docker.engine.shelf.tags(repository, docker.caller)) {
    const reference = { ...named, tag };
    const result = await docker.engine.pull(familiarName(reference), docker.caller);
    if (!quiet) reportPull(reference, result, docker.out);
  }
  if (quiet) docker.out(formatReference(named));
  return 0;
}

/** What `docker pull` prints, and that the host is served here where it is. */
export function reportPull(reference: Reference, result: PullResult, say: (line: string) => void): void {
  const { repository, tag, digest } = reference;
  if (result.own) say(`${reference.host} is served by this server`);
  say(`${tag ?? digest}: Pulling from ${repository}`);
  say(`Digest: ${result.digest}`);
  say(
    result.fresh
      ? `Status: Downloaded newer image for ${familiarName(reference)}`
      : `Status: Image is up to date for ${familiarName(reference)}`,
  );
  // with the host, also for Docker Hub
  say(formatReference(reference));
}
