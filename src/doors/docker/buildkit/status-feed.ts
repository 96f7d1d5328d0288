/** So many bytes wait for a client that reads slowly, or has not asked yet. What comes then is lost to it. */
const WAITING = 32 << 20;

/**
 * Progress on its way to whoever listens. What was told before the first came is kept for it; a build doesn't wait for
 * those who watch.
 */
export class StatusFeed {
  readonly #listeners = new Set<Waiting>();
  #early: Waiting | undefined = new Waiting();
  #ended = false;

  readonly tell = (message: Uint8Array): void => {
    this.#early?.put(message);
    for (const listener of this.#listeners) listener.put(message);
  };

  end(): void {
    this.#ended = true;
    for (const listener of this.#listeners) listener.wake();
  }

  /** The messages until the end, or until the listener's own. */
  async *listen(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const waiting = this.#early ?? new Waiting();
    this.#early = undefined;
    this.#listeners.add(waiting);
    const stop = () => waiting.wake();
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        for (let message = waiting.take(); message !== undefined; message = waiting.take()) yield message;
        if (this.#ended || signal.aborted) return;
        await waiting.more();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#listeners.delete(waiting);
    }
  }
}

class Waiting {
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;
  #wake: () => void = () => undefined;

  put(message: Uint8Array): void {
    if (this.#bytes > WAITING) return;
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#wake();
  }

  take(): Uint8Array | undefined {
    const message = this.#messages.shift();
    this.#bytes -= message?.length ?? 0;
    return message;
  }

  /** Resolves when there is more to take, or the end. */
  async more(): Promise<void> {
    if (this.#messages.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
