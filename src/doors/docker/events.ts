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
/** Characters of them together: whoever makes up labels and commands decides how long they are. */
const MOST_TEXT = 16 << 20;

/** The events of one scope: told to those who listen, and the last of them remembered. */
export class EventHub {
  readonly #past: DockerEvent[] = [];
  #text = 0;
  readonly #listeners = new Set<(event: DockerEvent) => void>();

  tell(event: DockerEvent): void {
    this.#past.push(event);
    this.#text += lengthOf(event);
    while (this.#past.length > REMEMBERED || this.#text > MOST_TEXT) {
      const oldest = this.#past.shift();
      this.#text -= oldest === undefined ? this.#text : lengthOf(oldest);
    }
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

function lengthOf({ action, id, attributes }: DockerEvent): number {
  let sum = action.length + id.length;
  for (const [name, value] of Object.entries(attributes)) sum += name.length + value.length;
  return sum;
}
