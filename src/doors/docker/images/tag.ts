import { Problem } from '../../../lib/problem.ts';
import { sendEmpty } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { tell } from './image-events.ts';
import { familiar } from './image-json.ts';
import { newName } from './named.ts';

/** `docker tag`. */
export async function tag(call: DockerCall): Promise<void> {
  const { params, query, response, house, caller } = call;
  const name = newName(query);
  if (name === undefined) throw new Problem('invalid', 'invalid reference format');
  const { id } = await house.engine.shelf.find(params['name'] ?? '', caller);
  await house.engine.tag(id, name, caller);
  tell(call, 'tag', id, familiar(name));
  sendEmpty(response, 201);
}
