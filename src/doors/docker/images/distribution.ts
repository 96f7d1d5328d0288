import { parseReference } from '../../../images/reference.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { asLoggedIn, asRefusal } from './registry-auth.ts';

/** What a name means in its registry, which the client uses to pin it to a digest. */
export async function distribution(call: DockerCall): Promise<void> {
  const { params, response, house } = call;
  const { name = '' } = params;
  const caller = asLoggedIn(call, parseReference(name).host);
  const { target, platforms } = await house.engine.shelf.remote(name, caller).catch((error: unknown) => {
    throw asRefusal(error);
  });
  const { mediaType, digest, size } = target;
  sendJson(response, 200, { Descriptor: { mediaType, digest, size }, Platforms: platforms });
}
