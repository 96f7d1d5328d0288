import type { ImageDetails } from '../../engine/engine.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerCommand } from './command.ts';
import { fillTemplate } from './template.ts';

export const inspect: DockerCommand = {
  name: 'inspect',
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on Docker objects',
  flags: [
    { name: 'format', short: 'f', takes: 'value' },
    { name: 'size', short: 's', takes: 'switch' },
    { name: 'type', takes: 'value' },
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(flags, docker) {
    const format = flags.one('format');
    const found: Record<string, unknown>[] = [];
    const missing: string[] = [];
    for (const name of flags.args) {
      try {
        found.push(describe(await docker.engine.inspect(name, docker.caller)));
      } catch (error) {
        if (!(error instanceof Problem && error.code === 'not-found')) throw error;
        missing.push(name);
      }
    }
    if (format === undefined) for (const line of JSON.stringify(found, null, 4).split('\n')) docker.out(line);
    else for (const one of found) docker.out(fillTemplate(format, one));
    for (const name of missing) docker.err(`Error: No such object: ${name}`);
    return missing.length === 0 ? 0 : 1;
  },
};

/** The image as `docker inspect` shows it. */
function describe({ image, names, config, size }: ImageDetails): Record<string, unknown> {
  const references = names.map(parseReference);
  const { rootfs, config: run, created, author, architecture, os, variant } = config;
  return {
    Id: image.id,
    RepoTags: references.filter((one) => one.tag !== undefined).map(familiarName),
    RepoDigests: [
      ...new Set(
        references.map(({ host, repository }) => familiarName({ host, repository, digest: image.target.digest })),
      ),
    ],
    Created: created ?? '',
    Author: author ?? '',
    Config: run ?? {},
    Architecture: architecture,
    ...(variant === undefined ? {} : { Variant: variant }),
    Os: os,
    Size: size,
    RootFS: { Type: rootfs.type, Layers: rootfs.diff_ids },
  };
}
