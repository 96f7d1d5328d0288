import { setMaxListeners } from 'node:events';
import { isCompanionTag } from '../../images/cosign-tags.ts';
import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { type Platform, platformMatches } from '../../images/platform.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { ownName, repositoryKey } from '../../stores/registry/name.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, CopyOptions, CopyResult, PushListener } from '../engine.ts';
import { throwFirst } from './fetch.ts';
import { gatherCompanions } from './gather-companions.ts';
import { type ImageParts, imageParts, platformsOf } from './image-parts.ts';
import type { PartSender } from './part-sender.ts';
import { type BlobTally, Sending } from './sending.ts';
import type { ImageSource } from './source.ts';

/** Tags of one repository copied at once. */
const TAGS = 4;

/** A repository, or one image of it. */
type Place = Pick<Reference, 'host' | 'repository'>;

/** Copies images between repositories, wherever they are, byte for byte. */
export class Copier {
  readonly #deps: ProjectDeps;
  readonly #source: ImageSource;
  readonly #sender: PartSender;

  constructor(deps: ProjectDeps, source: ImageSource, sender: PartSender) {
    this.#deps = deps;
    this.#source = source;
    this.#sender = sender;
  }

  /** @throws as `Engine.copy` */
  async copy(
    source: string,
    target: string,
    caller: Caller,
    options: CopyOptions = {},
    listener: PushListener = {},
  ): Promise<CopyResult> {
    const to = withDefaultTag(parseReference(target));
    return await this.#one(source, to, { caller, options, listener, sending: new Sending() });
  }

  /** @throws as `Engine.copyAll` */
  async copyAll(
    source: string,
    target: string,
    caller: Caller,
    options: CopyOptions = {},
    listener: PushListener = {},
  ): Promise<CopyResult[]> {
    const [from, to] = [wholeRepository(source), wholeRepository(target)];
    const tags = (await this.#tagsOf(from, caller)).filter((tag) => !isCompanionTag(tag));
    if (tags.length === 0) throw new Problem('not-found', `${familiarName(from)} has no tags`);
    const stop = new AbortController();
    const bound = { ...caller, signal: AbortSignal.any([caller.signal, stop.signal]) };
    setMaxListeners(0, bound.signal); // every request under way listens
    const work = { caller: bound, options, listener, sending: new Sending() };
    const room = new Semaphore(TAGS);
    const results = await Promise.allSettled(
      tags.map((tag) =>
        room.with(async () => {
          bound.signal.throwIfAborted();
          return await this.#one(formatReference({ ...from, tag }), { ...to, tag }, work).catch((error: unknown) => {
            stop.abort();
            throw error;
          });
        }),
      ),
    );
    throwFirst(results);
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  /** The tags of a repository. @param name without a tag. @throws as `Engine.copyAll` */
  async tags(name: string, caller: Caller): Promise<string[]> {
    return await this.#tagsOf(wholeRepository(name), caller);
  }

  async #one(source: string, to: Reference, work: Work): Promise<CopyResult> {
    const { caller, options, listener, sending } = work;
    const { reference: from, target } = await this.#source.target(source, caller);
    if (to.digest !== undefined && to.digest !== target.digest)
      throw new Problem('invalid', `${familiarName(from)} is ${target.digest}, and not ${to.digest}`);
    const image = await this.#parts(from, target, caller, options.platforms);
    if (options.platforms !== undefined && image.parts.length === 1) await this.#checkPlatform(from, image, work);
    const companions =
      options.referrers === false
        ? []
        : await gatherCompanions(from, image.parts, { deps: this.#deps, source: this.#source }, caller);

    const tags = to.tag === undefined ? [] : [to.tag];
    const send = { listener, sending };
    const tallies = [];
    try {
      // referrers come after what they refer to, and the tag after both: who finds it finds what is said of it
      tallies.push(await this.#sender.send(to, companions.length === 0 ? tags : [], image.parts, caller, send));
      for (const { tag, parts } of companions)
        tallies.push(await this.#sender.send(to, tag === undefined ? [] : [tag], parts, caller, send));
      if (companions.length > 0 && tags.length > 0)
        tallies.push(await this.#sender.send(to, tags, image.parts.slice(-1), caller, send));
    } catch (error) {
      throw image.leftOut.length > 0 ? sparseRefused(error, to) : error;
    }
    await this.#verify(to, target.digest, caller);
    return {
      source: familiarName(from),
      target: familiarName(to),
      digest: target.digest,
      mediaType: target.mediaType,
      manifests: image.parts.length,
      platforms: platformsOf(image.parts.map((part) => part.descriptor)),
      leftOut: platformsOf(image.leftOut),
      referrers: companions.map(({ parts: _, ...referrer }) => referrer),
      ...total(tallies),
    };
  }

  async #parts(from: Place, target: Descriptor, caller: Caller, platforms?: readonly Platform[]): Promise<ImageParts> {
    const name = familiarName({ ...from });
    const options = { origin: async () => from, platforms };
    return await imageParts(target, name, options, { deps: this.#deps, source: this.#source }, caller);
  }

  /** An image that is no index has one platform; it is copied if that was asked for. */
  async #checkPlatform(from: Reference, { parts }: ImageParts, { caller, options }: Work): Promise<void> {
    const manifest = parts[0]?.manifest;
    if (manifest?.kind !== 'image') return;
    const [first = this.#deps.platform, ...others] = options.platforms ?? [];
    const { config } = await this.#source.resolve(formatReference(from), caller, {
      platform: first,
      local: false,
      otherPlatform: others.length > 0,
    });
    if (others.length === 0 || [first, ...others].some((want) => platformMatches(config, want))) return;
    throw new Problem('not-found', `${familiarName(from)} is for none of the platforms that were asked for`);
  }

  async #tagsOf({ host, repository }: Place, caller: Caller): Promise<string[]> {
    const { own, registry, remote, pullsThrough, authorise } = this.#deps;
    if (!this.#sender.isOwn({ host })) return await remote.tags(host, repository, { signal: caller.signal });
    const name = ownName(host, repository, own);
    if (authorise !== undefined && !(await authorise(caller, 'reader', name)))
      throw new Problem('denied', `${caller.actor} may not read repository ${name.project}/${name.repository}`);
    if (await pullsThrough?.(host, repository)) return await remote.tags(host, repository, { signal: caller.signal });
    return (await registry.tags(repositoryKey(name), { limit: Number.MAX_SAFE_INTEGER })).map((tag) => tag.name);
  }

  /** A registry that stores something else than it was sent, or a tag that somebody else moved, must not pass for a copy. */
  async #verify(to: Reference, digest: Digest, caller: Caller): Promise<void> {
    const asked = to.tag === undefined ? { ...to, digest } : { host: to.host, repository: to.repository, tag: to.tag };
    const found = await this.#sender.published(asked, caller);
    if (found === digest) return;
    throw new Problem('invalid', `${familiarName(asked)} is ${found} after the copy, and not ${digest}`, {
      hint: 'The registry, or a proxy before it, rewrites manifests, or somebody else moved the tag at the same moment. Copy again to see which.',
    });
  }
}

interface Work {
  caller: Caller;
  options: CopyOptions;
  listener: PushListener;
  sending: Sending;
}

function wholeRepository(name: string): Place {
  const { host, repository, tag, digest } = parseReference(name);
  if (tag === undefined && digest === undefined) return { host, repository };
  throw new Problem('invalid', `${name}: all tags of a repository are copied by its name alone`, {
    hint: `Write ${familiarName({ host, repository })}, without a tag.`,
  });
}

function sparseRefused(error: unknown, to: Reference): unknown {
  if (!(error instanceof Problem) || (error.code !== 'invalid' && error.code !== 'not-found')) return error;
  return new Problem(error.code, error.message, {
    cause: error,
    hint: `${to.host} seems to take no index some of whose platforms are missing. Copy all of them, or the manifest of one platform by its digest.`,
  });
}

function total(tallies: readonly BlobTally[]): BlobTally {
  const sum = (of: keyof BlobTally) => tallies.reduce((all, tally) => all + tally[of], 0);
  return { present: sum('present'), mounted: sum('mounted'), sent: sum('sent'), bytesSent: sum('bytesSent') };
}
