import { Problem } from '../../../lib/problem.ts';
import type { GrpcClient, GrpcStream } from '../../grpc/grpc-client.ts';
import { FileSync } from '../buildkit/gen/filesync_pb.ts';
import type { PacketSchema } from '../buildkit/gen/fsutil_pb.ts';
import type { MirrorWriter } from './mirror-writer.ts';
import { PACKET } from './packets.ts';

/** Which files of a client are meant. */
export interface FileQuestion {
  /** The folder, by the name that the client gave it: `context`, `dockerfile` ... */
  name: string;
  /** Paths and globs, whose links are followed; absent: everything. */
  followPaths?: readonly string[] | undefined;
  /** Patterns of an ignore file. */
  exclude?: readonly string[] | undefined;
}

/** Headers of HTTP/2 may have 64 KiB together in Node. With more to say, everything is asked for. */
const MOST_METADATA = 32 << 10;

/**
 * Fetches what differs from the mirror, by BuildKit's file protocol: the client lists all its files, is asked for some of
 * them by their place in that list, and sends these.
 * @param watch told the bytes that have come
 * @returns the bytes that have come
 * @throws Problem; GrpcError when the client ends it
 */
export async function receiveFiles(
  client: GrpcClient,
  question: FileQuestion,
  mirror: MirrorWriter,
  signal: AbortSignal,
  watch: (bytes: number) => void,
): Promise<number> {
  const stream = client.stream(FileSync.method.diffCopy, { metadata: metadataOf(question), signal });
  const requests = new Requests(stream);
  let came = 0;
  let listed = false;
  let finished = false;
  try {
    for await (const { type, stat, id, data } of stream.messages) {
      if (type === PACKET.error) throw new Problem('failed', `the client can't send its files: ${textOf(data)}`);
      if (type === PACKET.fin) {
        stream.end();
        continue;
      }
      if (type === PACKET.stat && stat !== undefined) {
        if (listed) throw new Problem('invalid', 'the client lists a file after the end of its list');
        const wanted = mirror.list(stat);
        if (wanted !== undefined) requests.ask(wanted);
      } else if (type === PACKET.stat) {
        listed = true;
        mirror.listed();
      } else if (type === PACKET.data) {
        await mirror.receive(id, data);
        came += data.length;
        if (data.length > 0) watch(came);
      }
      if (!listed || mirror.waiting || finished) continue;
      finished = true;
      mirror.finish();
      await requests.sent();
      await stream.send({ type: PACKET.fin });
    }
    if (!finished) throw new Problem('cancelled', 'the client ended before it had sent its files');
    return came;
  } finally {
    stream.cancel();
  }
}

/** Asks without being waited for: a client that waits for us to take its bytes takes none of ours. */
class Requests {
  readonly #stream: GrpcStream<typeof PacketSchema, typeof PacketSchema>;
  readonly #waiting: number[] = [];
  #sending: Promise<void> | undefined;

  constructor(stream: GrpcStream<typeof PacketSchema, typeof PacketSchema>) {
    this.#stream = stream;
  }

  ask(id: number): void {
    this.#waiting.push(id);
    // a stream that has ended says so to whoever reads it
    this.#sending ??= this.#send().catch(() => undefined);
  }

  async sent(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    for (let next = 0; next < this.#waiting.length; next++)
      await this.#stream.send({ type: PACKET.request, id: this.#waiting[next] ?? 0 });
    this.#waiting.length = 0;
    this.#sending = undefined;
  }
}

/** What can't be said in headers is not said: more files come then than are needed, and are left out by our own rules. */
function metadataOf({ name, followPaths, exclude }: FileQuestion): Record<string, string | string[]> {
  const said: Record<string, string | string[]> = { 'dir-name': name };
  if (followPaths !== undefined && fits(followPaths)) said['followpaths'] = [...followPaths];
  if (exclude !== undefined && exclude.length > 0 && fits(exclude)) said['exclude-patterns'] = [...exclude];
  return said;
}

function fits(values: readonly string[]): boolean {
  const printable = values.every((value) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value));
  return printable && values.reduce((sum, value) => sum + value.length + 32, 0) <= MOST_METADATA / 2;
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString('utf8').slice(0, 1000);
}
