import { setMaxListeners } from 'node:events';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { familiarName, type Reference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { LEASE_MS } from '../../stores/content/content.ts';
import { describeManifest } from '../../stores/registry/describe.ts';
import { isOwnHost, type OwnName, ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, PushListener } from '../engine.ts';
import type { Watch } from '../progress.ts';
import { type BlobFetcher, throwFirst, watched } from './fetch.ts';
import { blobsOf, layersOf, type Part } from './image-parts.ts';
import { type BlobTally, countBlob, noBlobs, Sending, type SentBlob } from './sending.ts';

export interface SendOptions {
  listener?: PushListener;
  /** Shared by the images that go to one repository at the same time. */
  sending?: Sending;
}

/** Brings the parts of images to a repository: ours by writing rows, others by mounting what they have and streaming the rest. */
export class PartSender {
  readonly #deps: ProjectDeps;
  readonly #fetcher: BlobFetcher;

  constructor(deps: ProjectDeps, fetcher: BlobFetcher) {
    this.#deps = deps;
    this.#fetcher = fetcher;
  }

  /** Whether we serve that host ourselves. */
  isOwn({ host }: Pick<Reference, 'host'>): boolean {
    return isOwnHost(host, this.#deps.own);
  }

  /**
   * @param tags for the last part; without any it is published under its digest alone
   * @throws Problem `denied`, `unavailable`; `invalid` with the reason of the registry
   */
  async send(
    target: Pick<Reference, 'host' | 'repository'>,
    tags: readonly string[],
    parts: readonly Part[],
    caller: Caller,
    options: SendOptions = {},
  ): Promise<BlobTally> {
    return this.isOwn(target)
      ? await this.#toOurselves(target, tags, parts, caller, options)
      : await this.#toOthers(target, tags, parts, caller, options);
  }

  /** What the repository has under a tag or digest now. @throws Problem `not-found` and the usual */
  async published(reference: Reference, { signal }: Caller): Promise<Digest> {
    if (!this.isOwn(reference)) return await this.#deps.remote.published(reference, { signal });
    const key = repositoryKey(ownName(reference.host, reference.repository, this.#deps.own));
    const stored = await this.#deps.registry.manifest(key, reference.tag ?? reference.digest ?? 'latest');
    if (stored === undefined) throw new Problem('not-found', `${familiarName(reference)} is gone again`);
    return stored.digest;
  }

  /** One transaction per manifest; bytes move only when a base layer has never been needed here. */
  async #toOurselves(
    target: Pick<Reference, 'host' | 'repository'>,
    tags: readonly string[],
    parts: readonly Part[],
    caller: Caller,
    { listener = {}, sending = new Sending() }: SendOptions,
  ): Promise<BlobTally> {
    const { content, registry, own, authorise } = this.#deps;
    const name = ownName(target.host, target.repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'writer', name))) throw denied(target, name, caller);
    const key = repositoryKey(name);
    const blobs = new Map(parts.flatMap(blobsOf).map((blob) => [blob.digest, blob]));
    const digests = [...parts.map((part) => part.descriptor.digest), ...blobs.keys()];
    await content.hold(`push:${caller.scope}`, [...new Set(digests)], LEASE_MS);
    const tally = noBlobs();
    for (const blob of blobs.values()) {
      const state = (await this.#fetcher.has(blob.digest)) ? 'Layer already exists' : 'Pushed';
      if ((await sending.once(blob, async () => ({ state }))) !== undefined) countBlob(tally, blob, state);
    }
    await this.#fetcher.ensure([...blobs.values()], caller.signal, bytesOf(parts, listener));
    for (const part of parts) {
      const { descriptor, manifest, bytes } = part;
      const { required: _, ...description } = describeManifest(manifest, descriptor.digest, bytes.length);
      await registry.putManifest(key, {
        ...description,
        link: blobsOf(part).map((blob) => blob.digest),
        tags: part === parts.at(-1) ? [...tags] : [],
        actor: caller.actor,
      });
      for (const layer of layersOf(part)) listener.onLayer?.(layer, 'Layer already exists');
    }
    return tally;
  }

  async #toOthers(
    target: Pick<Reference, 'host' | 'repository'>,
    tags: readonly string[],
    parts: readonly Part[],
    caller: Caller,
    { listener = {}, sending = new Sending() }: SendOptions,
  ): Promise<BlobTally> {
    const tally = noBlobs();
    const { host, repository } = target;
    const stop = new AbortController();
    const signal = AbortSignal.any([caller.signal, stop.signal]);
    setMaxListeners(0, signal); // every request under way listens
    const blobs = new Map(parts.flatMap(blobsOf).map((blob) => [blob.digest, blob]));
    const layers = new Set(parts.flatMap(layersOf));
    const watch = bytesOf(parts, listener);
    const arrived: Descriptor[] = [];
    const results = await Promise.allSettled(
      [...blobs.values()].map(async (blob) => {
        try {
          const isLayer = layers.has(blob.digest);
          const sent = await sending.once(blob, async () => {
            if (isLayer) listener.onLayer?.(blob.digest, 'Preparing');
            return await this.#sendBlob(target, blob, sending, watch, signal);
          });
          if (sent === undefined) return;
          countBlob(tally, blob, sent.state);
          if (sent.state !== 'Layer already exists') arrived.push(blob);
          if (isLayer) listener.onLayer?.(blob.digest, sent.state, sent.from);
        } catch (error) {
          stop.abort();
          throw error;
        }
      }),
    );
    throwFirst(results);
    const noting = this.#deps.origins.noteSources(arrived.map(({ digest }) => ({ digest, host, repository })));
    throwFirst(await Promise.allSettled([noting, this.#putManifests(target, tags, parts, sending, caller.signal)]));
    return tally;
  }

  async #putManifests(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    tags: readonly string[],
    parts: readonly Part[],
    sending: Sending,
    signal: AbortSignal,
  ): Promise<void> {
    for (const part of parts) {
      const { descriptor, manifest, bytes } = part;
      const put = (name: string) =>
        this.#deps.remote.putManifest(host, repository, name, bytes, manifest.mediaType, { signal });
      if (part !== parts.at(-1) || tags.length === 0)
        await sending.publishOnce(descriptor.digest, () => put(descriptor.digest));
      else for (const name of tags) await put(name);
    }
  }

  /**
   * A blob that lies elsewhere in the same registry is mounted unasked, which is one exchange instead of two: it is asked
   * for first only when it was brought to this repository before, or when there is nowhere to mount it from.
   */
  async #sendBlob(
    { host, repository }: Pick<Reference, 'host' | 'repository'>,
    blob: Descriptor,
    room: Sending,
    watch: Watch,
    signal: AbortSignal,
  ): Promise<SentBlob> {
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

function denied({ host, repository }: Pick<Reference, 'host' | 'repository'>, name: OwnName, caller: Caller): Problem {
  return new Problem('denied', 'denied: requested access to the resource is denied', {
    hint: `${caller.actor} may not write to repository ${name.project}/${name.repository}, which ${familiarName({ host, repository })} means here.`,
  });
}
