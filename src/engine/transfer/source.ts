import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { formatPlatform, type Platform, platformMatches } from '../../images/platform.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { googleLocation, isOwnHost, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, ResolvedImage } from '../engine.ts';
import type { FoundImage, LocalImages } from '../local/local-images.ts';
import { choosePlatform } from './choose-platform.ts';
import type { BlobFetcher } from './fetch.ts';
import { assemble, imageOf, readImage, readManifest, SMALL_LIMIT } from './read-image.ts';

export interface ResolveOptions {
  platform: Platform;
  /** A name of this scope counts before any registry is asked. */
  local: boolean;
  /** An image of one other platform is taken as it is: a build says so and goes on, as BuildKit does. */
  otherPlatform?: boolean | undefined;
}

export interface Resolved extends ResolvedImage {
  /** Served from our own registry. */
  own: boolean;
}

/**
 * What an image name means, in this order: a name of the caller's scope, a repository of our own registry when the host
 * is ours, the registry that the name says. Only manifests and the config are fetched; where the layers are is noted.
 */
export class ImageSource {
  readonly #deps: ProjectDeps;
  readonly #fetcher: BlobFetcher;
  readonly #images: LocalImages;

  constructor(deps: ProjectDeps, fetcher: BlobFetcher, images: LocalImages) {
    this.#deps = deps;
    this.#fetcher = fetcher;
    this.#images = images;
  }

  /** @throws Problem `not-found` in docker's words, `denied`, `unavailable`, `invalid` (the name) */
  async resolve(name: string, caller: Caller, options: ResolveOptions): Promise<Resolved> {
    const local = options.local ? await this.#local(name, caller, options.platform) : undefined;
    if (local !== undefined) return local;
    const { reference, target, own } = await this.target(name, caller);
    return { ...(await this.#complete(reference, target, caller, options, own)), own, asked: true };
  }

  /** What a name means in the registry that it names, whatever platforms that has. @throws as `resolve` */
  async target(name: string, caller: Caller): Promise<{ reference: Reference; target: Descriptor; own: boolean }> {
    const reference = withDefaultTag(parseReference(name));
    const held = isOwnHost(reference.host, this.#deps.own) ? await this.#ownTarget(reference, caller) : undefined;
    const target = held ?? (await this.#remoteTarget(reference, caller));
    return { reference, target, own: held !== undefined };
  }

  /** A local image, read from the content store. */
  async open(image: FoundImage): Promise<ResolvedImage> {
    return await readImage(image.name ?? image.id, image, this.#deps.content);
  }

  async #local(name: string, caller: Caller, platform: Platform): Promise<Resolved | undefined> {
    const found = await this.find(name, caller);
    if (found === undefined) return undefined;
    const image = await this.open(found);
    await this.#noteNamed(image);
    // docker takes a local image of another platform silently; a build for arm64 on an amd64 base is never meant
    return platformMatches(image.config, platform) ? { ...image, own: false } : undefined;
  }

  /** What has a name in the caller's scope, the caller has, in whichever project of theirs it came to be. */
  async #noteNamed({ manifest, configDigest, layers }: ResolvedImage): Promise<void> {
    const { content } = this.#deps;
    const digests = [manifest.digest, configDigest, ...layers.map(({ blob }) => blob.digest)];
    const had = await content.had(digests);
    await content.note(digests.filter((digest) => !had.has(digest)));
  }

  /** Whatever means an image in the caller's scope. @throws as `LocalImages.find` */
  async find(name: string, caller: Caller): Promise<FoundImage | undefined> {
    return await this.#images.find(name, caller.scope);
  }

  /** Undefined for what a repository of ours pulls through from elsewhere: that is another registry's. */
  async #ownTarget(reference: Reference, caller: Caller): Promise<Descriptor | undefined> {
    const { own, registry, authorise, pullsThrough } = this.#deps;
    const name = ownName(reference.host, reference.repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'reader', name)))
      throw new Problem(
        'denied',
        `pull access denied for ${familiarName({ host: reference.host, repository: reference.repository })}`,
        {
          hint: `This build runs in project ${caller.project} and may not read repository ${name.project}/${name.repository}. The owner of the server shares a project's images with all builds by registries.sharedProjects in slipway.yaml.`,
        },
      );
    if (await pullsThrough?.(reference.host, reference.repository)) return undefined;
    const stored = await registry.manifest(repositoryKey(name), reference.digest ?? reference.tag ?? 'latest');
    if (stored === undefined)
      throw new Problem(
        'not-found',
        `manifest for ${familiarName(reference)} not found: manifest unknown: manifest unknown`,
        {
          hint: `${reference.host} is served by this server, and it has no such image. ${waysOn(reference)}`,
        },
      );
    await this.#deps.content.note([stored.digest]);
    return { mediaType: stored.mediaType, digest: stored.digest, size: stored.size };
  }

  /** A tag costs one HEAD when its manifest is here already: no bytes, and nothing off Docker Hub's limit. */
  async #remoteTarget(reference: Reference, caller: Caller): Promise<Descriptor> {
    const { remote, content } = this.#deps;
    const { signal } = caller;
    const digest = reference.digest ?? (await remote.head(reference, { signal }))?.digest;
    const known = digest === undefined ? undefined : await this.#known(digest);
    if (known !== undefined) return known;
    const exact = digest === undefined ? reference : { ...reference, digest };
    const { descriptor, bytes } = await remote.resolve(exact, { signal });
    await content.put(bytes, digestAlgorithm(descriptor.digest));
    return descriptor;
  }

  /** A digest is what anybody may write behind a name, or a server of anybody's answer to HEAD; only bytes prove it. */
  async #known(digest: Digest): Promise<Descriptor | undefined> {
    const { content } = this.#deps;
    const info = await content.stat(digest);
    if (info === undefined) return undefined;
    return { mediaType: parseManifest(await content.read(digest, SMALL_LIMIT)).mediaType, digest, size: info.size };
  }

  async #complete(
    reference: Reference,
    target: Descriptor,
    caller: Caller,
    { platform, otherPlatform = false }: ResolveOptions,
    own: boolean,
  ): Promise<ResolvedImage> {
    const name = familiarName(reference);
    let descriptor = target;
    const { content } = this.#deps;
    let manifest = await readManifest(target, content);
    if (manifest.kind === 'index') {
      const chosen = choosePlatform(manifest.value, platform, name);
      descriptor = { mediaType: chosen.mediaType, digest: chosen.digest, size: chosen.size };
      await this.ensureManifest(reference, descriptor, caller);
      manifest = await readManifest(descriptor, content);
    }
    const image = imageOf(manifest, name);
    const blobs = [image.config, ...image.layers];
    if (own) await this.noteLinked(reference, blobs);
    else {
      await this.noteOrigins(reference, blobs);
      await this.ensureSmall(reference, image.config, caller);
    }
    const resolved = await assemble(formatReference(reference), target, descriptor, image, content);
    if (
      !otherPlatform &&
      !platformMatches(resolved.config, platform) &&
      target === descriptor &&
      resolved.config.os !== undefined
    )
      throw new Problem(
        'not-found',
        `image with reference ${name} was found but does not match the specified platform: wanted ${formatPlatform(platform)}, actual: ${formatPlatform(resolved.config)}`,
        { hint: `${name} has one platform. Ask for it with --platform=${formatPlatform(resolved.config)}.` },
      );
    return resolved;
  }

  /** Brings the manifest of one platform of an index here; ours are, with the index. */
  async ensureManifest(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    descriptor: Descriptor,
    caller: Caller,
  ): Promise<void> {
    const { content, remote, own, registry, pullsThrough } = this.#deps;
    if ((await content.stat(descriptor.digest)) !== undefined) return;
    if (isOwnHost(host, own) && !(await pullsThrough?.(host, repository))) {
      const key = repositoryKey(ownName(host, repository, own));
      if ((await registry.manifest(key, descriptor.digest)) === undefined)
        throw new Problem('not-found', `${host}/${repository} has no manifest ${descriptor.digest}`);
      return await content.note([descriptor.digest]);
    }
    const { bytes } = await remote.manifest(host, repository, descriptor.digest, { signal: caller.signal });
    await content.put(bytes, digestAlgorithm(descriptor.digest));
  }

  /** Brings a config here, from the repository whose manifest names it unless the project has had it. */
  async ensureSmall(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    blob: Descriptor,
    { signal }: Caller,
  ): Promise<void> {
    const { content, remote } = this.#deps;
    if ((await content.had([blob.digest])).has(blob.digest)) return await this.#fetcher.ensure([blob], signal);
    const bytes = await remote.blob(host, repository, blob, { signal });
    await content.ingest(bytes, { expected: blob.digest, size: blob.size, signal });
  }

  /** What a repository of ours links, whoever may read it has; an image's config comes first. */
  async noteLinked(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    blobs: readonly Descriptor[],
  ): Promise<void> {
    const { content, registry, origins, own } = this.#deps;
    const digests = blobs.map(({ digest }) => digest);
    const had = await content.had(digests);
    const others = digests.filter((digest) => !had.has(digest));
    if (others.length === 0) return;
    const missing = await registry.missingBlobs(repositoryKey(ownName(host, repository, own)), others);
    await content.note(others.filter((digest) => !missing.includes(digest)));
    // where other platforms of an index lie, when all of it is pushed on
    await origins.noteSources(digests.slice(0, 1).map((digest) => ({ digest, host, repository })));
  }

  async noteOrigins(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    blobs: readonly Descriptor[],
  ): Promise<void> {
    await this.#deps.origins.noteSources(blobs.map(({ digest }) => ({ digest, host, repository })));
  }
}

/** Only a host that is also somebody else's has a real registry behind it. */
function waysOn({ host, repository }: Reference): string {
  return googleLocation(host) === undefined
    ? `slipway tags ${familiarName({ host, repository })} lists what there is.`
    : 'To reach the real registry, take the host out of registries.own in slipway.yaml.';
}
