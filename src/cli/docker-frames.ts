/** Before each piece of output of a container without a terminal: 1 or 2 for its stream, three zeros, the length. */
const HEAD = 8;

/** Takes the two outputs of a container apart, which come over one connection. */
export class DockerFrames {
  readonly #write: (stream: 'stdout' | 'stderr', bytes: Buffer) => void;
  #head = Buffer.alloc(0);
  #left = 0;
  #stream: 'stdout' | 'stderr' = 'stdout';

  constructor(write: (stream: 'stdout' | 'stderr', bytes: Buffer) => void) {
    this.#write = write;
  }

  take(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#left === 0) {
        const missing = HEAD - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#head.length < HEAD) return;
        this.#stream = this.#head[0] === 2 ? 'stderr' : 'stdout';
        this.#left = this.#head.readUInt32BE(4);
        this.#head = Buffer.alloc(0);
        continue;
      }
      const part = rest.subarray(0, this.#left);
      this.#write(this.#stream, part);
      this.#left -= part.length;
      rest = rest.subarray(part.length);
    }
  }
}
