import { join } from 'node:path';
import { placeForCopy } from '../../builds/builders/own-copies.ts';
import { readConfig } from '../../config.ts';
import { formatDuration } from '../../lib/bytes.ts';
import { runOk } from '../../lib/run.ts';
import type { CliContext } from '../context.ts';

interface MadeImage {
  name: string;
  tags: string[];
  layout: string;
}

/**
 * Makes Google's builder images that set-up can make (docker and git, of this machine's Debian packages) and pushes them to
 * where a project's builds look for their own copies. Needs root and Debian; safe to repeat.
 */
export async function seedBuilders(context: CliContext, project: string): Promise<number> {
  const { terminal, signal, services } = context;
  const server = context.server();
  const { url } = await server.call('status', {});
  const { own, defaultLocation } = readConfig(context.data.config).registries;
  const ownNames = { hosts: [...own, new URL(url).host], defaultLocation };
  const { stdout } = await runOk(process.execPath, [join(services.root, 'scripts/bases/builders.mjs')], {
    signal,
    onStderr: (chunk) => terminal.err(chunk.toString('utf8')),
  });
  for (const { name, tags, layout } of JSON.parse(stdout) as MadeImage[])
    for (const tag of tags) {
      const started = performance.now();
      const image = `gcr.io/${name}:${tag}`;
      const copy = placeForCopy(image, project, ownNames);
      await server.call('load', { from: { folder: layout }, name: copy }, undefined, signal);
      await server.call('push', { name: copy, all: false }, undefined, signal);
      await server.call('remove', { name: copy });
      terminal.out(`${copy}  serves ${image}  ${formatDuration(performance.now() - started)}\n`);
    }
  return 0;
}
