import type { Reference } from '../../images/reference.ts';
import type { RegistryClient } from '../../images/remote/client.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { UpstreamSightings } from './sightings.ts';

/**
 * The same client, which remembers what tags meant: every FROM and every pull is a look at its registry, and nobody else
 * keeps what was seen there. A note that can't be written harms no build.
 */
export function sightingClient(client: RegistryClient, sightings: UpstreamSightings): RegistryClient {
  const noted = async (
    { host, repository, tag = 'latest', digest }: Reference,
    note: (name: { host: string; repository: string; tag: string }) => Promise<void>,
  ) => {
    if (digest !== undefined) return;
    try {
      await note({ host, repository, tag });
    } catch (error) {
      log.error({ error: messageOf(error) }, `what ${host}/${repository}:${tag} means could not be noted`);
    }
  };
  return {
    ...client,
    async head(reference, options) {
      const head = await client.head(reference, options);
      if (head !== undefined) await noted(reference, (name) => sightings.noteTag(name, head.digest));
      return head;
    },
    async resolve(reference, options) {
      try {
        const found = await client.resolve(reference, options);
        await noted(reference, (name) => sightings.noteTag(name, found.descriptor.digest));
        return found;
      } catch (error) {
        if (error instanceof Problem && error.code === 'not-found')
          await noted(reference, (name) => sightings.noteVanished(name));
        throw error;
      }
    },
  };
}
