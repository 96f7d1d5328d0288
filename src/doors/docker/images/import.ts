import { parsePlatform } from '../../../images/platform.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { tell } from './image-events.ts';
import { familiar } from './image-json.ts';
import { newName } from './named.ts';

/** `docker import`: a tar of files becomes an image of one layer. */
export async function importImage(call: DockerCall): Promise<void> {
  const { request, query, house, caller } = call;
  if (query.get('fromSrc') !== '-')
    throw new DockerError(
      501,
      'docker import URL is not served: Slipway fetches nothing for an import. Pipe it in: curl -L URL | docker import -',
    );
  const name = newName(query);
  const platform = query.get('platform') ?? '';
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const { id } = await house.engine.shelf.importTree(
    body,
    {
      changes: query.getAll('changes').filter((change) => change !== ''),
      comment: query.get('message') || 'Imported from -',
      ...(platform === '' ? {} : { platform: parsePlatform(platform) }),
      ...(name === undefined ? {} : { name }),
    },
    caller,
  );
  const lines = new JsonLines(call);
  void lines.send({ status: id });
  lines.end();
  tell(call, 'import', id, name === undefined ? undefined : familiar(name));
}
