import type { BuildEvent } from '../../../engine/events.ts';
import { familiarName, formatReference, parseReference, withDefaultTag } from '../../../images/reference.ts';
import { progressBar } from '../streams/progress-bar.ts';

type Pulled = NonNullable<Extract<BuildEvent, { kind: 'step' }>['pulled']>;

const OF_DIGEST = /^sha256:([0-9a-f]{12})[0-9a-f]{52}$/;

/**
 * Layers on their way while a base is needed, as the lines of `docker pull`. A base is only fetched when an instruction
 * needs its files, so these lines may come behind a RUN and not behind its FROM, or not at all.
 */
export class BasePulls {
  readonly #send: (line: object) => void;
  readonly #begun = new Set<string>();

  constructor(send: (line: object) => void) {
    this.#send = send;
  }

  /** @param again a registry was to be asked although the name may be known here; else it was not, which is new to it */
  pulled({ name, digest, fresh }: Pulled, again: boolean): void {
    const reference = withDefaultTag(parseReference(name));
    // of a name with a digest dockerd says all of it
    const id = reference.digest === undefined ? (reference.tag ?? '') : formatReference(reference);
    this.#send({ status: `Pulling from ${reference.repository}`, id });
    this.#send({ status: `Digest: ${digest}` });
    const what = fresh || !again ? 'Downloaded newer image' : 'Image is up to date';
    this.#send({ status: `Status: ${what} for ${familiarName(reference)}` });
  }

  listen(event: BuildEvent): void {
    if (event.kind !== 'status') return;
    const id = OF_DIGEST.exec(event.item)?.[1];
    if (id === undefined) return;
    if (!this.#begun.has(id)) {
      this.#begun.add(id);
      this.#send({ status: 'Pulling fs layer', progressDetail: {}, id });
    }
    if (event.done) {
      this.#send({ status: 'Download complete', progressDetail: {}, id });
      return;
    }
    const { current, total } = event;
    this.#send({
      status: 'Downloading',
      progressDetail: { current, ...(total === undefined ? {} : { total }) },
      progress: progressBar(current, total),
      id,
    });
  }
}
