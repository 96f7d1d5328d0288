/** What `docker events` shows. */
export interface DockerEvent {
  type: 'container' | 'image' | 'volume' | 'network' | 'builder';
  /** `pull`, `create`, `die` ... */
  action: string;
  /** Of the thing; of an image its name. */
  id: string;
  attributes: Record<string, string>;
  /** Milliseconds since 1970. */
  at: number;
}

/** So many events are kept for those who ask for the past with `since`. */
const REMEMBERED = 256;

/** The events of one scope: told to those who listen, and the last of them remembered. */
export class EventHub {
  readonly #past: DockerEvent[] = [];
  readonly #listeners = new Set<(event: DockerEvent) => void>();

  tell(event: DockerEvent): void {
    this.#past.push(event);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** @returns ends the listening */
  listen(listener: (event: DockerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  past(): readonly DockerEvent[] {
    return this.#past;
  }
}
