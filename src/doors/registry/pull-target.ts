import { googleLocation, isOwnHost, type OwnName, repositoryKey } from '../../stores/registry/name.ts';
import { mayRead, require } from './access.ts';
import { type RegistryCall, type Target, targetOf } from './call.ts';

/** Names of other registries, for daemons that use this server as their mirror. */
export interface MirroredNames {
  /** Where an image of that registry may be kept, the best place first; none when no repository answers for it. */
  of(registry: string, path: string): Promise<OwnName[]>;
  /** The same for a name that came without its registry, as dockerd's mirror form is. */
  ofBare(path: string): Promise<OwnName[]>;
}

/**
 * The image that a pull is about, which the caller may read. containerd tells a mirror in `?ns=` of which registry it wants
 * the name; dockerd doesn't, so a bare name means another registry's image only where nobody has pushed one here. Names
 * at a `LOCATION-docker.pkg.dev` host are never anybody else's. Of several repositories that answer for a registry it is the
 * first that the caller may read: nobody takes another project's mirror away by making one before it.
 */
export async function pullTarget(call: RegistryCall): Promise<Target> {
  const target = targetOf(call, call.params['name'] ?? '');
  const name = await mirroredName(call, target);
  const meant = name === undefined ? target : { path: target.path, name, key: repositoryKey(name) };
  await require(call, meant, 'reader');
  return meant;
}

async function mirroredName(call: RegistryCall, { path, key }: Target): Promise<OwnName | undefined> {
  const { mirrors, names, query, request, response, store } = call;
  if (mirrors === undefined || googleLocation(request.headers.host ?? '') !== undefined) return undefined;
  const registry = query.get('ns');
  if (registry === null) {
    const places = await mirrors.ofBare(path);
    return places.length === 0 || (await store.exists(key)) ? undefined : firstReadable(call, places);
  }
  const name = isOwnHost(registry, names) ? undefined : await firstReadable(call, await mirrors.of(registry, path));
  if (name !== undefined) response.setHeader('OCI-Namespace', registry);
  return name;
}

/** Where none may be read, the first, about which the refusal then is. */
async function firstReadable(call: RegistryCall, places: OwnName[]): Promise<OwnName | undefined> {
  if (places.length > 1) for (const place of places) if (await mayRead(call, place)) return place;
  return places[0];
}
