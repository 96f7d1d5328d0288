import { Problem } from '../../lib/problem.ts';
import { BLOCK, encodeHeader, padding, type TarHeader } from './header.ts';

/** What becomes an entry: the header, and for a file its bytes, `header.size` of them. */
export interface TarInput {
  header: TarHeader;
  body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
}

/** Small pieces are gathered up to this size: a chunk per 512-byte header costs more in hand-overs than in bytes. */
const GATHER = 256 * 1024;

/**
 * A layer tar of these entries, in their order. The same entries give the same bytes on every machine, at every time;
 * names and sizes of the chunks apart. Whoever stops reading early ends the entries' generator too.
 * @throws Problem `conflict` when a body is longer or shorter than its header says, which means that a file changed
 * under us
 */
export async function* writeTar(
  entries: AsyncIterable<TarInput> | Iterable<TarInput>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gathered = new Gatherer();
  for await (const { header, body } of entries) {
    gathered.add(encodeHeader(header));
    const size = header.type === 'file' ? header.size : 0;
    if (body instanceof Uint8Array) {
      checkLength(header.name, size, body.length);
      gathered.add(body);
    } else if (body !== undefined) {
      let seen = 0;
      for await (const chunk of body) {
        seen += chunk.length;
        if (seen > size) break;
        if (chunk.length >= GATHER) yield* gathered.flush();
        gathered.add(chunk);
        if (gathered.size >= GATHER) yield* gathered.flush();
      }
      checkLength(header.name, size, seen);
    } else checkLength(header.name, size, 0);
    gathered.add(Buffer.alloc(padding(size)));
    if (gathered.size >= GATHER) yield* gathered.flush();
  }
  gathered.add(Buffer.alloc(2 * BLOCK));
  yield* gathered.flush();
}

function checkLength(name: string, expected: number, seen: number): void {
  if (seen !== expected) throw changedWhileRead(name, expected, seen);
}

export function changedWhileRead(name: string, expected: number, seen: number): Problem {
  return new Problem(
    'conflict',
    `${name} changed while it was read: it had ${expected} bytes and now has ${seen > expected ? 'more' : seen}`,
    { hint: 'Something else writes to this file. Stop it, or exclude the file, and build again.' },
  );
}

class Gatherer {
  #parts: Uint8Array[] = [];
  size = 0;

  add(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.size += part.length;
  }

  *flush(): Generator<Uint8Array> {
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    const size = this.size;
    this.size = 0;
    // One part passes as it is: the bytes of a big file are not copied.
    yield parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, size);
  }
}
