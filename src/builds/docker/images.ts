import { shortDigest } from '../../images/digest.ts';
import { familiarName, parseReference, type Reference, withDefaultTag } from '../../images/reference.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import type { NamedImage } from '../../stores/names/names.ts';
import { Wildcard } from '../run/wildcard.ts';
import { ago } from './ago.ts';
import type { DockerCommand } from './command.ts';
import { formatRows } from './table.ts';

/** `docker images`, with the parts of --filter and --format that files use. */
export const images: DockerCommand = {
  name: 'images',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  flags: [
    { name: 'all', short: 'a', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'no-trunc', takes: 'switch' },
    { name: 'digests', takes: 'switch' },
    { name: 'tree', takes: 'switch' },
    { name: 'filter', short: 'f', takes: 'list' },
    { name: 'format', takes: 'value' },
  ],
  args: { min: 0, max: 1 },
  async run(flags, docker) {
    const wanted = flags.args[0] === undefined ? undefined : parseReference(flags.args[0]);
    const passes = imageFilter(flags.all('filter'));
    const found = (await docker.engine.images(docker.caller))
      .map((image) => ({ image, reference: parseReference(image.name) }))
      .filter(
        ({ reference }) =>
          passes(reference) &&
          (wanted === undefined ||
            (reference.host === wanted.host &&
              reference.repository === wanted.repository &&
              (wanted.tag === undefined || reference.tag === wanted.tag))),
      )
      .sort((a, b) => b.image.at - a.image.at);
    const id = (image: NamedImage) => (flags.on('no-trunc') ? image.id : shortDigest(image.id));
    const format = flags.one('format');
    if (flags.on('quiet') && format === undefined) {
      for (const one of new Set(found.map(({ image }) => id(image)))) docker.out(one);
      return 0;
    }
    const rows = [];
    for (const { image, reference } of found) {
      const { config, size } = await docker.engine.inspect(image.name, docker.caller);
      const { tag: Tag = '<none>', digest: _, ...bare } = reference;
      rows.push({
        Repository: familiarName(bare),
        Tag,
        Digest: image.target.digest,
        ID: id(image),
        CreatedSince: ago(config.created),
        CreatedAt: config.created ?? '',
        Size: formatBytes(size).replace(' ', ''),
      });
    }
    for (const line of formatRows(rows, HEADS, format ?? tableOf(flags.on('digests')))) docker.out(line);
    return 0;
  },
};

const HEADS = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
};

function tableOf(digests: boolean): string {
  const digest = digests ? '{{.Digest}}\t' : '';
  return `table {{.Repository}}\t{{.Tag}}\t${digest}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`;
}

/** @throws Problem `unsupported` */
function imageFilter(filters: readonly string[]): (reference: Reference) => boolean {
  const tests = filters.map((filter) => {
    const value = filter.slice(filter.indexOf('=') + 1);
    if (filter.startsWith('reference=')) {
      const pattern = Wildcard.gsutil(value);
      return (reference: Reference) => {
        const { digest: _, tag: __, ...bare } = reference;
        return pattern.test(familiarName(reference)) || pattern.test(familiarName(bare));
      };
    }
    // what a build names always has a name, so nothing is dangling
    if (filter.startsWith('dangling=')) return () => !/^(?:true|1)$/i.test(value);
    throw new Problem('unsupported', `--filter ${filter}: this server's docker builder knows reference= and dangling=`);
  });
  return (reference) => tests.every((test) => test(reference));
}

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
    { name: 'platform', takes: 'list' },
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
