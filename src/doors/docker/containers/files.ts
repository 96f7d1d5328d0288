import { Readable } from 'node:stream';
import { sendJson, sendStream } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { nameOf } from './lifecycle.ts';

const KINDS = { modified: 0, added: 1, deleted: 2 } as const;

/** `docker diff`. */
export async function changes(call: DockerCall): Promise<void> {
  const found = await call.house.containers.changes(nameOf(call));
  sendJson(
    call.response,
    200,
    found.map(({ path, kind }) => ({ Path: path, Kind: KINDS[kind] })),
  );
}

/** `docker export`: the whole root file system as one archive. */
export async function exportContainer(call: DockerCall): Promise<void> {
  const { house, response, signal } = call;
  const { tar } = await house.containers.files.read(nameOf(call), '/', signal);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  await sendStream(response, Readable.from(tar, { objectMode: false }));
}
