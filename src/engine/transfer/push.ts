import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller, PushListener, PushResult } from '../engine.ts';
import { keptReferrers } from '../provenance/kept-referrers.ts';
import { imageParts } from './image-parts.ts';
import type { PartSender } from './part-sender.ts';
import type { ImageSource } from './source.ts';

/** Sends local images to registries. */
export class Pusher {
  readonly #deps: ProjectDeps;
  readonly #source: ImageSource;
  readonly #sender: PartSender;

  constructor(deps: ProjectDeps, source: ImageSource, sender: PartSender) {
    this.#deps = deps;
    this.#source = source;
    this.#sender = sender;
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
    const room = { deps: this.#deps, source: this.#source };
    const { parts } = await imageParts(image.target, image.name ?? image.id, { origin }, room, caller);
    await this.#sender.send(reference, [reference.tag], parts, caller, { listener });
    await this.#pushReferrers(
      reference,
      parts.map(({ descriptor }) => descriptor.digest),
      caller,
    );
    const { digest, size } = image.target;
    return { reference: familiarName(reference), tag: reference.tag, digest, size, own: this.#sender.isOwn(reference) };
  }

  /** What this scope's build, or an archive, said of the image goes along; the registry lists it under what it is about. */
  async #pushReferrers({ host, repository }: Reference, subjects: Digest[], caller: Caller): Promise<void> {
    for (const { target, tag } of await keptReferrers(subjects, caller.scope, this.#deps.names)) {
      const as = tag === undefined ? { digest: target.digest } : { tag };
      await this.pushArtifact(formatReference({ host, repository, ...as }), target, caller);
    }
  }

  /** A manifest of ours that is no image and that nothing names locally; everything it names is here or known elsewhere. */
  async pushArtifact(name: string, target: Descriptor, caller: Caller): Promise<void> {
    const reference = withDefaultTag(parseReference(name));
    const room = { deps: this.#deps, source: this.#source };
    const { parts } = await imageParts(target, name, { origin: async () => undefined }, room, caller);
    await this.#sender.send(reference, reference.tag === undefined ? [] : [reference.tag], parts, caller);
  }
}
