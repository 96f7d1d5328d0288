import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { BuildCall, BytePlace } from '../doors/control/wire.ts';
import type { BuildOutput } from '../engine/request.ts';
import { hasErrorCode, Problem } from '../lib/problem.ts';
import { replaceFile } from '../lib/replace-file.ts';

/** The outputs of a call from the command line, with what writes them: the server's own hands. */
export function writtenOutputs(outputs: BuildCall['outputs']): BuildOutput[] {
  return outputs.map((output) =>
    output.kind === 'local'
      ? output
      : { kind: output.kind, names: output.names, write: (bytes) => writeTo(output, bytes) },
  );
}

export async function writeTo(place: BytePlace, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if ('socket' in place) await pipeline(bytes, connect(place.socket));
  else if (await isSpecial(place.file)) await pipeline(bytes, createWriteStream(place.file));
  else await replaceFile(place.file, bytes);
}

/** A pipe or a device (`/dev/null`) is written to as it is. */
async function isSpecial(file: string): Promise<boolean> {
  try {
    const found = await stat(file);
    return !found.isFile() && !found.isDirectory();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** @throws Problem `not-found` when there is no such file, before anything else is done */
export async function* readFrom(place: BytePlace): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* 'file' in place ? createReadStream(place.file, { highWaterMark: 1 << 18 }) : connect(place.socket);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES') || !('file' in place)) throw error;
    throw new Problem('not-found', `${place.file} can't be read`, { cause: error });
  }
}
