import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { type Manifest, parseManifest } from '../../images/manifest.ts';
import { familiarName, parseReference, type Reference, withDefaultTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { LEASE_MS } from '../../stores/content/content.ts';
import type { NamedImage } from '../../stores/names/names.ts';
import { isOwnHost, type OwnName, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { EngineDeps } from '../deps.ts';
import type { Caller, PushListener, PushResult } from '../engine.ts';
import { type BlobFetcher, throwFirst } from './fetch.ts';
import type { ImageSource } from './source.ts';

/** Blobs sent to one registry at once. */
const PARALLEL = 4;

/** A manifest of an image with what stands below it, children first. */
interface Part {
  descriptor: Descriptor;
  manifest: Manifest;
  bytes: Buffer;
}

/** Sends local images to registries: ours by writing rows, others by mounting what they have and streaming the rest. */
export class Pusher {
  readonly #deps: EngineDeps;
  readonly #fetcher: BlobFetcher;
  readonly #source: ImageSource;

  constructor(deps: EngineDeps, fetcher: BlobFetcher, source: ImageSource) {
    this.#deps = deps;
    this.#fetcher = fetcher;
    this.#source = source;
  }

  /** @throws Problem `not-found` in docker's words, `denied`, `unavailable` */
  async push(name: string, caller: Caller, listener: PushListener): Promise<PushResult> {
    const reference = withDefaultTag(parseReference(name));
    const image = await this.#source.find(name, caller);
    if (image === undefined || reference.tag === undefined)
      throw new Problem(
        'not-found',
        `An image does not exist locally with the tag: ${familiarName({ host: reference.host, repository: reference.repository })}`,
        { hint: `Tag an image with ${familiarName(reference)} first; slipway images lists what is there.` },
      );
    const own = isOwnHost(reference.host, this.#deps.own);
    const parts = await this.#parts(image, caller);
    if (own) await this.#toOurselves(reference, reference.tag, parts, caller, listener);
    else await this.#toOthers(reference, reference.tag, parts, caller, listener);
    const { digest, size } = image.target;
    return { reference: familiarName(reference), tag: reference.tag, digest, size, own };
  }

  /** Every manifest that has to be there, the children of an index before it. */
  async #parts(image: NamedImage, caller: Caller): Promise<Part[]> {
    const parts: Part[] = [];
    const add = async (descriptor: Descriptor): Promise<void> => {
      const bytes = await this.#manifestBytes(descriptor, image, caller);
      const manifest = parseManifest(bytes, descriptor.mediaType);
      if (manifest.kind === 'index') for (const child of manifest.value.manifests) await add(child);
      parts.push({ descriptor, manifest, bytes });
    };
    await add(image.target);
    return parts;
  }

  async #manifestBytes(descriptor: Descriptor, image: NamedImage, caller: Caller): Promise<Buffer> {
    const { content, origins } = this.#deps;
    if ((await content.stat(descriptor.digest)) === undefined) {
      // a platform of a kept index that nobody needed so far lies where the other one came from
      const places = await origins.sources(image.id);
      const [from] = places;
      if (from === undefined)
        throw new Problem('unavailable', `${image.name}: its manifest ${descriptor.digest} is not here`, {
          hint: 'Pull the image again, so that its registry is known.',
        });
      const { host, repository } = from;
      await this.#source.ensureManifest({ host, repository }, descriptor, caller);
      const manifest = parseManifest(await content.read(descriptor.digest), descriptor.mediaType);
      if (manifest.kind === 'image') await this.#source.noteOrigins({ host, repository }, manifest.value);
    }
    return await content.read(descriptor.digest);
  }

  /** One transaction per manifest; bytes move only when a base layer has never been needed here. */
  async #toOurselves(
    reference: Reference,
    tag: string,
    parts: readonly Part[],
    caller: Caller,
    listener: PushListener,
  ): Promise<void> {
    const { content, registry, own, authorise } = this.#deps;
    const name = ownName(reference.host, reference.repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'writer', name))) throw denied(reference, name, caller);
    const key = repositoryKey(name);
    await content.hold(`push:${caller.scope}`, [...new Set(parts.flatMap(allDigests))], LEASE_MS);
    await this.#fetcher.ensure(parts.flatMap(blobsOf), caller.signal);
    for (const part of parts) {
      const last = part === parts.at(-1);
      const { descriptor, manifest, bytes } = part;
      const { artifactType, annotations, subject } = manifest.value;
      await registry.putManifest(key, {
        digest: descriptor.digest,
        mediaType: manifest.mediaType,
        size: bytes.length,
        artifactType,
        annotations,
        subject: subject?.digest,
        blobs: blobsOf(part).map((blob) => blob.digest),
        children: manifest.kind === 'index' ? manifest.value.manifests.map((child) => child.digest) : [],
        tags: last ? [tag] : [],
        actor: caller.actor,
      });
      for (const layer of layersOf(part)) listener.onLayer?.(layer, 'Layer already exists');
    }
  }

  async #toOthers(
    reference: Reference,
    tag: string,
    parts: readonly Part[],
    caller: Caller,
    listener: PushListener,
  ): Promise<void> {
    const { upstream } = this.#deps;
    const { host, repository } = reference;
    const room = new Semaphore(PARALLEL);
    const stop = new AbortController();
    const signal = AbortSignal.any([caller.signal, stop.signal]);
    const blobs = new Map(parts.flatMap(blobsOf).map((blob) => [blob.digest, blob]));
    const layers = new Set(parts.flatMap(layersOf));
    const results = await Promise.allSettled(
      [...blobs.values()].map((blob) =>
        room.with(async () => {
          try {
            if (layers.has(blob.digest)) listener.onLayer?.(blob.digest, 'Preparing');
            const state = await this.#sendBlob(reference, blob, signal);
            if (layers.has(blob.digest)) listener.onLayer?.(blob.digest, state);
          } catch (error) {
            stop.abort();
            throw error;
          }
        }),
      ),
    );
    throwFirst(results);
    for (const { descriptor, manifest, bytes } of parts) {
      const last = descriptor.digest === parts.at(-1)?.descriptor.digest;
      const { mediaType } = manifest;
      const { digest } = descriptor;
      await upstream.putManifest(host, repository, last ? tag : digest, { bytes, mediaType, digest }, caller.signal);
    }
  }

  async #sendBlob(
    { host, repository }: Reference,
    blob: Descriptor,
    signal: AbortSignal,
  ): Promise<'Pushed' | 'Layer already exists' | 'Mounted'> {
    const { upstream, origins, content } = this.#deps;
    if (await upstream.hasBlob(host, repository, blob.digest, signal)) return 'Layer already exists';
    for (const origin of await origins.sources(blob.digest))
      if (origin.host === host && (await upstream.mount(host, repository, blob.digest, origin.repository, signal)))
        return 'Mounted';
    await this.#fetcher.ensure([blob], signal);
    await upstream.upload(host, repository, blob, () => content.open(blob.digest), signal);
    await origins.noteSources([{ digest: blob.digest, host, repository }]);
    return 'Pushed';
  }
}

function blobsOf({ manifest }: Part): Descriptor[] {
  return manifest.kind === 'index' ? [] : [manifest.value.config, ...manifest.value.layers];
}

function layersOf({ manifest }: Part): Digest[] {
  return manifest.kind === 'index' ? [] : manifest.value.layers.map((layer) => layer.digest);
}

function allDigests(part: Part): Digest[] {
  return [part.descriptor.digest, ...blobsOf(part).map((blob) => blob.digest)];
}

function denied(reference: Reference, name: OwnName, caller: Caller): Problem {
  return new Problem('denied', 'denied: requested access to the resource is denied', {
    hint: `${caller.actor} may not write to repository ${name.project}/${name.repository}, which ${familiarName(reference)} means here.`,
  });
}
