import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { NamedImage } from '../../stores/names/names.ts';
import { ago } from './ago.ts';
import type { DockerCommand } from './command.ts';
import { columns } from './table.ts';

export const images: DockerCommand = {
  name: 'images',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  flags: [
    { name: 'all', short: 'a', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'no-trunc', takes: 'switch' },
    { name: 'digests', takes: 'switch' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const wanted = flags.args[0] === undefined ? undefined : parseReference(flags.args[0]);
    const rows = (await docker.engine.images(docker.caller))
      .map((image) => ({ image, reference: parseReference(image.name) }))
      .filter(
        ({ reference }) =>
          wanted === undefined ||
          (reference.host === wanted.host &&
            reference.repository === wanted.repository &&
            (wanted.tag === undefined || reference.tag === wanted.tag)),
      )
      .sort((a, b) => b.image.at - a.image.at);
    const id = (image: NamedImage) => (flags.on('no-trunc') ? image.id : shortDigest(image.id));
    if (flags.on('quiet')) {
      for (const one of new Set(rows.map(({ image }) => id(image)))) docker.out(one);
      return 0;
    }
    const digests = flags.on('digests');
    const table = [['REPOSITORY', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE']];
    for (const { image, reference } of rows) {
      const { config, size } = await docker.engine.inspect(image.name, docker.caller);
      const { tag = '<none>', digest: _, ...bare } = reference;
      const digest = digests ? [image.target.digest] : [];
      table.push([
        familiarName(bare),
        tag,
        ...digest,
        id(image),
        ago(config.created),
        formatBytes(size).replace(' ', ''),
      ]);
    }
    for (const line of columns(table)) docker.out(line);
    return 0;
  },
};

export const tag: DockerCommand = {
  name: 'tag',
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  flags: [],
  args: { min: 2, max: 2 },
  async run(flags, docker) {
    const [source = '', target = ''] = flags.args;
    await docker.engine.tag(source, familiarName(withDefaultTag(parseReference(target))), docker.caller);
    return 0;
  },
};

export const rmi: DockerCommand = {
  name: 'rmi',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  flags: [
    { name: 'force', short: 'f', takes: 'switch' },
    { name: 'no-prune', takes: 'switch' },
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, docker) {
    for (const name of flags.args) {
      await docker.engine.remove(name, docker.caller);
      docker.out(`Untagged: ${shownName(name)}`);
    }
    return 0;
  },
};

function shownName(name: string): string {
  return /^(sha256:)?[0-9a-f]{12,64}$/.test(name) ? name : familiarName(withDefaultTag(parseReference(name)));
}
