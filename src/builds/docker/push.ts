import type { PushListener, PushResult } from '../../engine/engine.ts';
import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { DockerCommand } from './command.ts';

export const push: DockerCommand = {
  name: 'push',
  usage: '[OPTIONS] NAME[:TAG]',
  summary: 'Push an image or a repository to a registry',
  flags: [
    { name: 'all-tags', short: 'a', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'disable-content-trust', takes: 'switch' },
    { name: 'platform', takes: 'value' },
  ],
  args: { min: 1, max: 1 },
  async run(flags, docker) {
    const named = parseReference(flags.args[0] ?? '');
    const all = flags.on('all-tags');
    if (all && named.tag !== undefined) {
      docker.err("tag can't be used with --all-tags/-a");
      return 1;
    }
    const quiet = flags.on('quiet');
    const say = quiet ? () => undefined : docker.out;
    if (!all && named.tag === undefined) say('Using default tag: latest');
    say(`The push refers to repository [${named.host}/${named.repository}]`);
    if (isOwnHost(named.host, docker.ownNames)) say(`${named.host} is served by this server`);
    const listener = pushLines(say);
    const results = all
      ? await docker.engine.pushAll(familiarName(named), docker.caller, listener)
      : [await docker.engine.push(familiarName(withDefaultTag(named)), docker.caller, listener)];
    for (const result of results) say(pushedLine(result));
    if (quiet) docker.out(`${named.host}/${named.repository}${all ? '' : `:${withDefaultTag(named).tag}`}`);
    return 0;
  },
};

/** One line per layer and state, by the first 12 digits of its blob's digest. */
export function pushLines(say: (line: string) => void): PushListener {
  return { onLayer: (layer, state) => say(`${shortDigest(layer)}: ${state}`) };
}

export function pushedLine(result: PushResult): string {
  return `${result.tag}: digest: ${result.digest} size: ${result.size}`;
}
