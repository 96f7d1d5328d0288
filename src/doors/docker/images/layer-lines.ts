import { type Digest, shortDigest } from '../../../images/digest.ts';
import { progressBar } from '../streams/progress-bar.ts';

/** Between two lines about the bytes of one layer, as dockerd. Milliseconds. */
const EVERY_MS = 100;

/** Layers on their way, each with a line of its own on the client's screen. */
export class LayerLines {
  readonly #send: (line: object) => void;
  readonly #told = new Map<Digest, number>();

  constructor(send: (line: object) => void) {
    this.#send = send;
  }

  state(layer: Digest, status: string): void {
    this.#send({ status, progressDetail: {}, id: shortDigest(layer) });
  }

  /** Not for every chunk, but for the last one. */
  bytes(layer: Digest, status: string, current: number, total: number): void {
    const now = performance.now();
    if (current < total && now - (this.#told.get(layer) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    this.#told.set(layer, now);
    const progressDetail = total > 0 ? { current, total } : { current };
    this.#send({ status, progressDetail, progress: progressBar(current, total), id: shortDigest(layer) });
  }
}
