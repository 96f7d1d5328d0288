import { Problem } from '../../../lib/problem.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { type JsonObject, readJsonObject } from '../read-json.ts';

/**
 * `docker login`: asks the registry, keeps nothing. Hosts that Slipway serves itself take every login, because whoever
 * may use this socket needs none there.
 */
export async function auth({ request, response, house, signal }: DockerCall): Promise<void> {
  const body = await readJsonObject(request);
  const host = registryHost(text(body, 'serveraddress'));
  if (!house.isOwnRegistry(host)) {
    const token = text(body, 'identitytoken');
    const credentials =
      token === ''
        ? { username: text(body, 'username'), password: text(body, 'password') }
        : { username: '<token>', password: token };
    await house.verifyLogin(host, credentials, signal).catch((error: unknown) => {
      throw asDockerd(error);
    });
  }
  sendJson(response, 200, { Status: 'Login Succeeded', IdentityToken: '' });
}

/** dockerd answers 401 to what a token service refuses, and 500 to what the registry itself does. */
function asDockerd(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  if (error.code === 'unauthenticated' && error.message.startsWith('unauthorized'))
    return new DockerError(401, error.message);
  return error.code === 'cancelled' ? error : new DockerError(500, error.message);
}

function text(body: JsonObject, name: string): string {
  return body.string(name) ?? '';
}

/** `https://index.docker.io/v1/`, `localhost:5000`, `https://registry.lab/v2/`; empty is Docker Hub. */
export function registryHost(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}
