import { Problem } from '../../lib/problem.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { fallbackTag } from '../fallback-tag.ts';
import { parseManifest } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import { familiarName } from '../reference.ts';
import type { RegistryAccess } from './access.ts';
import { type Endpoint, repositoryUrl } from './hosts.ts';
import { fetchManifest } from './pull.ts';
import { refusalOf } from './refusal.ts';
import { repositoryScope } from './scopes.ts';

const LIST_LIMIT = 4 << 20;

/**
 * What refers to a manifest. Registries without the referrers API answer 404; what was pushed to them is listed under the
 * fallback tag (distribution-spec, "Referrers Tag Schema").
 * @throws Problem as every call of the client, but for `not-found`
 */
export async function listReferrers(
  access: RegistryAccess,
  endpoint: Endpoint,
  repository: string,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<Descriptor[]> {
  const { answer, bytes } = await access.read(
    endpoint,
    {
      method: 'GET',
      url: repositoryUrl(endpoint, repository, `referrers/${subject}`),
      headers: { accept: MEDIA.ociIndex },
      scopes: repositoryScope(endpoint.prefix + repository, 'pull'),
      signal,
    },
    LIST_LIMIT,
  );
  if (answer.status === 200) return entriesOf(bytes);
  if (answer.status !== 404 && answer.status !== 405)
    throw await refusalOf(answer, {
      endpoint,
      subject: familiarName({ host: endpoint.host, repository, digest: subject }),
      action: 'pull',
    });
  answer.body.resume();
  const tag = fallbackTag(subject);
  try {
    return entriesOf((await fetchManifest(access, endpoint, { host: endpoint.host, repository, tag }, signal)).bytes);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return [];
    throw error;
  }
}

function entriesOf(bytes: Buffer): Descriptor[] {
  const index = parseManifest(bytes, undefined);
  return index.kind === 'index' ? index.value.manifests : [];
}
