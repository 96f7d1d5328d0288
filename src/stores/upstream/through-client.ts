import { familiarName, type Reference } from '../../images/reference.ts';
import type { RegistryClient } from '../../images/remote/client.ts';
import { log } from '../../lib/log.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../content/content.ts';
import type { PulledManifest, PullOptions, PullSource } from './pull-source.ts';

/** The key of an image that is pulled through a repository of ours; undefined for all that its registry is asked for. */
export type KeyOf = (host: string, repository: string) => Promise<string | undefined>;

/**
 * A registry client for this machine's own work whose pulls go through our remote and virtual repositories, where they
 * stand for the registry that a name says: so that builds, too, go on with what is kept. Writing goes where the name says.
 */
export function throughClient(
  client: RegistryClient,
  pulls: PullSource,
  content: ContentReader,
  keyOf: KeyOf,
): RegistryClient {
  const pulled = async (key: string, reference: Reference, options: PullOptions): Promise<PulledManifest> => {
    const found = await pulls.manifest(key, reference.digest ?? reference.tag ?? 'latest', options);
    if (found === undefined)
      throw new Problem(
        'not-found',
        `manifest for ${familiarName(reference)} not found: manifest unknown: manifest unknown`,
        { hint: `It is asked for in ${key}, which has it neither here nor upstream.` },
      );
    for (const warning of found.warnings) log.warn({ image: familiarName(reference) }, warning);
    return found;
  };
  const resolve: RegistryClient['resolve'] = async (reference, options) => {
    const { host } = reference;
    const key = await keyOf(host, reference.repository);
    if (key === undefined) return client.resolve(reference, options);
    const { manifest } = await pulled(key, reference, {});
    const { digest, mediaType, size } = manifest;
    return { descriptor: { digest, mediaType, size }, bytes: await content.read(digest), host, servedBy: key };
  };
  return {
    ...client,
    resolve,
    async head(reference, options) {
      const key = await keyOf(reference.host, reference.repository);
      if (key === undefined) return client.head(reference, options);
      const { manifest } = await pulled(key, reference, { head: true });
      return { digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.size, servedBy: key };
    },
    async manifest(host, repository, tagOrDigest, options) {
      const key = await keyOf(host, repository);
      if (key === undefined) return client.manifest(host, repository, tagOrDigest, options);
      return resolve({ host, repository, tag: tagOrDigest }, options);
    },
    async blob(host, repository, descriptor, options) {
      const key = await keyOf(host, repository);
      if (key === undefined) return client.blob(host, repository, descriptor, options);
      const blob = await pulls.blob(key, descriptor.digest);
      if (blob === undefined) throw new Problem('not-found', `blob unknown: ${key} has no ${descriptor.digest}`);
      return blob.open();
    },
    /** With its bytes: whoever hears that it is there takes it from the content store. */
    async hasBlob(host, repository, digest, options = {}) {
      const key = await keyOf(host, repository);
      return key === undefined
        ? client.hasBlob(host, repository, digest, options)
        : pulls.bring(key, digest, options.signal);
    },
    async tags(host, repository, options) {
      const key = await keyOf(host, repository);
      if (key === undefined) return client.tags(host, repository, options);
      return (await pulls.tags(key, { limit: Number.MAX_SAFE_INTEGER }))?.entries ?? [];
    },
    async presentTags(host, repository, tags, options) {
      const key = await keyOf(host, repository);
      if (key === undefined) return client.presentTags(host, repository, tags, options);
      const found = await Promise.all(tags.map((tag) => pulls.manifest(key, tag, { head: true })));
      return tags.filter((_, i) => found[i] !== undefined);
    },
    async referrers(host, repository, subject, options) {
      const key = await keyOf(host, repository);
      if (key === undefined) return client.referrers(host, repository, subject, options);
      const { entries } = await pulls.referrers(key, subject);
      return entries.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
    },
  };
}
