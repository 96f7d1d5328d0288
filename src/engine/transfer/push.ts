import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { type ImageManifest, type Manifest, parseManifest } from '../../images/manifest.ts';
import {
  familiarName,
  formatReference,
  isTag,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { LEASE_MS } from '../../stores/content/content.ts';
import { isOwnHost, type OwnName, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, CopyResult, PushListener, PushResult } from '../engine.ts';
import type { Watch } from '../progress.ts';
import { referrersOf } from '../provenance/attach.ts';
import { type BlobFetcher, throwFirst, watched } from './fetch.ts';
import type { ImageSource } from './source.ts';

/** Blobs sent to one registry at once. */
const SENDING = 4;
/** Questions to one registry at once, mounts among them: no bytes move. */
const ASKING = 16;

/** A manifest of an image with what stands below it, children first. */
interface Part {
  descriptor: Descriptor;
  manifest: Manifest;
  bytes: Buffer;
}

/** Sends local images to registries: ours by writing rows, others by mounting what they have and streaming the rest. */
export class Pusher {
  readonly #deps: ProjectDeps;
  readonly #fetcher: BlobFetcher;
  readonly #source: ImageSource;

  constructor(deps: ProjectDeps, fetcher: BlobFetcher, source: ImageSource) {
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
    // a platform of a kept index that nobody needed so far lies where the one that is here came from
    const origin = async () => (await this.#deps.origins.sources(image.id))[0];
    const parts = await this.#parts(image.target, image.name, origin, caller);
    const { own } = await this.#send(reference, reference.tag, parts, caller, listener);
    await this.#pushReferrer(reference, image.manifest.digest, caller);
    const { digest, size } = image.target;
    return { reference: familiarName(reference), tag: reference.tag, digest, size, own };
  }

  /** What this scope's build said of the image goes along; the registry lists it under the image's digest. */
  async #pushReferrer({ host, repository }: Reference, subject: Digest, caller: Caller): Promise<void> {
    const referrer = await this.#deps.names.find(referrersOf(caller.scope), subject);
    if (referrer === undefined) return;
    const { target } = referrer;
    await this.pushArtifact(formatReference({ host, repository, digest: target.digest }), target, caller);
  }

  /** From one registry to another, all platforms, byte for byte; nothing is named locally. @throws as `push` */
  async copy(source: string, target: string, caller: Caller, listener: PushListener = {}): Promise<CopyResult> {
    const to = withDefaultTag(parseReference(target));
    const from = await this.#source.target(source, caller);
    const parts = await this.#parts(from.target, source, async () => from.reference, caller);
    const { tally } = await this.#send(to, to.tag ?? from.target.digest, parts, caller, listener);
    const { digest, mediaType } = from.target;
    return { digest, mediaType, manifests: parts.length, ...tally };
  }

  /** A manifest of ours that is no image and that nothing names locally; everything it names is here or known elsewhere. */
  async pushArtifact(name: string, target: Descriptor, caller: Caller): Promise<void> {
    const reference = withDefaultTag(parseReference(name));
    const parts = await this.#parts(target, name, async () => undefined, caller);
    await this.#send(reference, reference.tag ?? target.digest, parts, caller, {});
  }

  async #send(
    reference: Reference,
    tag: string,
    parts: readonly Part[],
    caller: Caller,
    listener: PushListener,
  ): Promise<{ own: boolean; tally: BlobTally }> {
    const own = isOwnHost(reference.host, this.#deps.own);
    const tally = own
      ? await this.#toOurselves(reference, tag, parts, caller, listener)
      : await this.#toOthers(reference, tag, parts, caller, listener);
    return { own, tally };
  }

  /** Every manifest that has to be there, the children of an index before it. */
  async #parts(
    target: Descriptor,
    name: string,
    origin: () => Promise<Pick<Reference, 'host' | 'repository'> | undefined>,
    caller: Caller,
  ): Promise<Part[]> {
    const { content } = this.#deps;
    const parts: Part[] = [];
    const add = async (descriptor: Descriptor): Promise<void> => {
      const isHere = (await content.stat(descriptor.digest)) !== undefined;
      if (!isHere) {
        const place = await origin();
        if (place === undefined)
          throw new Problem('unavailable', `${name}: its manifest ${descriptor.digest} is not here`, {
            hint: 'Pull the image again, so that its registry is known.',
          });
        await this.#source.ensureManifest(place, descriptor, caller);
      }
      const bytes = await content.read(descriptor.digest);
      const manifest = parseManifest(bytes, descriptor.mediaType);
      if (manifest.kind === 'index') for (const child of manifest.value.manifests) await add(child);
      else await this.#noteOrigin(manifest.value, origin);
      parts.push({ descriptor, manifest, bytes });
    };
    await add(target);
    return parts;
  }

  async #noteOrigin(
    manifest: ImageManifest,
    origin: () => Promise<Pick<Reference, 'host' | 'repository'> | undefined>,
  ): Promise<void> {
    const place = await origin();
    if (place === undefined) return;
    if (isOwnHost(place.host, this.#deps.own)) await this.#source.noteLinked(place, manifest);
    else await this.#source.noteOrigins(place, manifest);
  }

  /** One transaction per manifest; bytes move only when a base layer has never been needed here. */
  async #toOurselves(
    reference: Reference,
    tag: string,
    parts: readonly Part[],
    caller: Caller,
    listener: PushListener,
  ): Promise<BlobTally> {
    const { content, registry, own, authorise } = this.#deps;
    const name = ownName(reference.host, reference.repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'writer', name))) throw denied(reference, name, caller);
    const key = repositoryKey(name);
    await content.hold(`push:${caller.scope}`, [...new Set(parts.flatMap(allDigests))], LEASE_MS);
    const blobs = new Map(parts.flatMap(blobsOf).map((blob) => [blob.digest, blob]));
    const tally: BlobTally = { present: 0, mounted: 0, sent: 0, bytesSent: 0 };
    for (const blob of blobs.values()) {
      if (await this.#fetcher.has(blob.digest)) tally.present++;
      else count(tally, blob, 'Pushed');
    }
    await this.#fetcher.ensure([...blobs.values()], caller.signal, bytesOf(parts, listener));
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
        link: blobsOf(part).map((blob) => blob.digest),
        children: manifest.kind === 'index' ? manifest.value.manifests.map((child) => child.digest) : [],
        tags: last && isTag(tag) ? [tag] : [],
        actor: caller.actor,
      });
      for (const layer of layersOf(part)) listener.onLayer?.(layer, 'Layer already exists');
    }
    return tally;
  }

  async #toOthers(
    reference: Reference,
    tag: string,
    parts: readonly Part[],
    caller: Caller,
    listener: PushListener,
  ): Promise<BlobTally> {
    const tally: BlobTally = { present: 0, mounted: 0, sent: 0, bytesSent: 0 };
    const { host, repository } = reference;
    const room = { asking: new Semaphore(ASKING), sending: new Semaphore(SENDING) };
    const stop = new AbortController();
    const signal = AbortSignal.any([caller.signal, stop.signal]);
    const blobs = new Map(parts.flatMap(blobsOf).map((blob) => [blob.digest, blob]));
    const layers = new Set(parts.flatMap(layersOf));
    const watch = bytesOf(parts, listener);
    const arrived: Descriptor[] = [];
    const results = await Promise.allSettled(
      [...blobs.values()].map(async (blob) => {
        try {
          if (layers.has(blob.digest)) listener.onLayer?.(blob.digest, 'Preparing');
          const { state, from } = await this.#sendBlob(reference, blob, room, watch, signal);
          count(tally, blob, state);
          if (state !== 'Layer already exists') arrived.push(blob);
          if (layers.has(blob.digest)) listener.onLayer?.(blob.digest, state, from);
        } catch (error) {
          stop.abort();
          throw error;
        }
      }),
    );
    throwFirst(results);
    const noting = this.#deps.origins.noteSources(arrived.map(({ digest }) => ({ digest, host, repository })));
    throwFirst(await Promise.allSettled([noting, this.#putManifests(reference, tag, parts, caller.signal)]));
    return tally;
  }

  async #putManifests({ host, repository }: Reference, tag: string, parts: readonly Part[], signal: AbortSignal) {
    for (const { descriptor, manifest, bytes } of parts) {
      const name = descriptor.digest === parts.at(-1)?.descriptor.digest ? tag : descriptor.digest;
      await this.#deps.remote.putManifest(host, repository, name, bytes, manifest.mediaType, { signal });
    }
  }

  /**
   * A blob that lies elsewhere in the same registry is mounted unasked, which is one exchange instead of two: it is asked
   * for first only when it was brought to this repository before, or when there is nowhere to mount it from.
   */
  async #sendBlob(
    { host, repository }: Reference,
    blob: Descriptor,
    room: { asking: Semaphore; sending: Semaphore },
    watch: Watch,
    signal: AbortSignal,
  ): Promise<{ state: BlobState; from?: string }> {
    const { remote, origins, content } = this.#deps;
    const near = (await origins.sources(blob.digest)).filter((origin) => origin.host === host);
    const others = near.filter((origin) => origin.repository !== repository);
    const isThere = () => room.asking.with(() => remote.hasBlob(host, repository, blob.digest, { signal }));
    const askFirst = others.length < near.length || others.length === 0;
    if (askFirst && (await isThere())) return { state: 'Layer already exists' };
    for (const from of others)
      if (await room.asking.with(() => remote.mountBlob(host, repository, blob.digest, from.repository, { signal })))
        return { state: 'Mounted', from: from.repository };
    if (!askFirst && (await isThere())) return { state: 'Layer already exists' };
    await room.sending.with(async () => {
      await this.#fetcher.ensure([blob], signal);
      const open = async () => watched(blob, await content.open(blob.digest), watch);
      await remote.pushBlob(host, repository, blob, open, { signal });
    });
    return { state: 'Pushed' };
  }
}

/** Bytes of layers alone: a config is small, and nobody knows it by its digest. */
function bytesOf(parts: readonly Part[], { onBytes }: PushListener): Watch {
  const layers = new Set<string>(parts.flatMap(layersOf));
  return (item, current, total = 0) => {
    if (layers.has(item)) onBytes?.(item as Digest, current, total);
  };
}

type BlobState = 'Pushed' | 'Layer already exists' | 'Mounted';
type BlobTally = Omit<CopyResult, 'digest' | 'mediaType' | 'manifests'>;

function count(tally: BlobTally, blob: Descriptor, state: BlobState): void {
  if (state === 'Mounted') tally.mounted++;
  else if (state === 'Layer already exists') tally.present++;
  else {
    tally.sent++;
    tally.bytesSent += blob.size;
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
