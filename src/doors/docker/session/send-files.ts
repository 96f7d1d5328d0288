import { type BigIntStats, createReadStream, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../../../lib/problem.ts';
import type { GrpcClient } from '../../grpc/grpc-client.ts';
import { FileSend, FileSync } from '../buildkit/gen/filesync_pb.ts';
import type { Stat } from '../buildkit/gen/fsutil_pb.ts';
import { goMode } from './file-stat.ts';
import { PACKET } from './packets.ts';

/** Bytes in a packet: what BuildKit's programs send. */
const PIECE = 32 << 10;

export interface SendOptions {
  /** Which of the client's outputs it is, where it has several. */
  exporter?: number | undefined;
  /** What the client is told about it: media types, names. */
  metadata?: Record<string, string> | undefined;
  signal: AbortSignal;
}

/** Sends bytes as one file, for outputs that are archives. @throws GrpcError when the client takes no more */
export async function sendArchive(
  client: GrpcClient,
  bytes: AsyncIterable<Uint8Array>,
  options: SendOptions,
): Promise<void> {
  const stream = client.stream(FileSend.method.diffCopy, { metadata: metadataOf(options), signal: options.signal });
  try {
    for await (const chunk of bytes)
      for (let at = 0; at < chunk.length; at += PIECE) await stream.send({ data: chunk.subarray(at, at + PIECE) });
    stream.end();
    // the client has written everything when it ends the call
    for await (const _ of stream.messages);
  } finally {
    stream.cancel();
  }
}

/**
 * Sends a folder of ours, for an output that is one: the client gets the list and asks for every file.
 * @param folder that nobody else writes to
 */
export async function sendFolder(client: GrpcClient, folder: string, options: SendOptions): Promise<void> {
  // the same packets as for contexts, over the service for outputs: the messages there are called otherwise
  const method = { ...FileSync.method.diffCopy, parent: FileSend };
  const stream = client.stream(method, { metadata: metadataOf(options), signal: options.signal });
  const paths: string[] = [];
  const list = async () => {
    for (const { path, stat } of walk(folder, '', new Map())) {
      paths.push(path);
      await stream.send({ type: PACKET.stat, stat });
    }
    await stream.send({ type: PACKET.stat });
  };
  try {
    const asked: number[] = [];
    let sending = list();
    // its failure is met at the end; until then the client may have more to say
    sending.catch(() => undefined);
    for await (const { type, id, data } of stream.messages) {
      if (type === PACKET.error)
        throw new Problem('failed', `the client can't write the output: ${Buffer.from(data).toString('utf8')}`);
      if (type === PACKET.fin) {
        await sending;
        await stream.send({ type: PACKET.fin });
        stream.end();
      }
      if (type !== PACKET.request) continue;
      asked.push(id);
      if (asked.length > 1) continue;
      sending = sending.then(async () => {
        for (let next = 0; next < asked.length; next++) await sendFile(stream, folder, paths, asked[next] ?? 0);
        asked.length = 0;
      });
      sending.catch(() => undefined);
    }
    await sending;
  } finally {
    stream.cancel();
  }
}

async function sendFile(
  stream: { send(message: { type: number; id: number; data?: Uint8Array }): Promise<void> },
  folder: string,
  paths: readonly string[],
  id: number,
): Promise<void> {
  const path = paths[id];
  if (path === undefined) throw new Problem('invalid', 'the client asks for a file that was not listed');
  for await (const chunk of createReadStream(join(folder, path), { highWaterMark: PIECE }) as AsyncIterable<Buffer>)
    await stream.send({ type: PACKET.data, id, data: chunk });
  await stream.send({ type: PACKET.data, id });
}

/** Depth first and sorted by bytes, as the protocol has it. */
function* walk(
  folder: string,
  below: string,
  seen: Map<bigint, string>,
): Generator<{ path: string; stat: Omit<Stat, '$typeName' | '$unknown'> }> {
  const names = readdirSync(join(folder, below)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(folder, path), { bigint: true });
    const kind = kindOf(stats);
    if (kind === undefined) continue;
    const first = stats.nlink > 1n && kind === 'file' ? seen.get(stats.ino) : undefined;
    if (kind === 'file' && first === undefined) seen.set(stats.ino, path);
    yield {
      path,
      stat: {
        path,
        mode: goMode(kind, Number(stats.mode) & 0o7777),
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        size: kind === 'file' ? stats.size : 0n,
        modTime: stats.mtimeNs,
        linkname: kind === 'symlink' ? readlinkSync(join(folder, path)) : (first ?? ''),
        devmajor: 0n,
        devminor: 0n,
        xattrs: {},
      },
    };
    if (kind === 'folder') yield* walk(folder, path, seen);
  }
}

/** A client's folder gets no devices and sockets. */
function kindOf(stats: BigIntStats): 'file' | 'folder' | 'symlink' | 'fifo' | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  return stats.isFIFO() ? 'fifo' : undefined;
}

function metadataOf({ exporter, metadata = {} }: SendOptions): Record<string, string> {
  const said = Object.entries(metadata).map(([name, value]) => [`exporter-md-${name}`, value]);
  if (exporter !== undefined) said.push(['buildkit-attachable-exporter-id', String(exporter)]);
  return Object.fromEntries(said) as Record<string, string>;
}
