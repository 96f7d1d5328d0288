import { Readable } from 'node:stream';
import type { PathStat } from '../../../containers/container-files.ts';
import { sendEmpty, sendStream } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { booleanOf } from '../query.ts';
import { nameOf } from './lifecycle.ts';

/** What is at a path, for `docker cp` to decide by. */
export async function headArchive(call: DockerCall): Promise<void> {
  const stat = await call.house.containers.files.stat(nameOf(call), pathOf(call));
  sendEmpty(call.response, 200, statHeader(stat));
}

export async function getArchive(call: DockerCall): Promise<void> {
  const { house, response, signal } = call;
  const { stat, tar } = await house.containers.files.read(nameOf(call), pathOf(call), signal);
  response.writeHead(200, { 'Content-Type': 'application/x-tar', ...statHeader(stat) });
  await sendStream(response, Readable.from(tar, { objectMode: false }));
}

export async function putArchive(call: DockerCall): Promise<void> {
  const { house, query, request, response } = call;
  // a refusal in the middle of the archive has to find its way back
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  await house.containers.files.write(nameOf(call), pathOf(call), body, {
    noOverwriteDirNonDir: booleanOf(query, 'noOverwriteDirNonDir'),
    copyUidGid: booleanOf(query, 'copyUIDGID'),
  });
  sendEmpty(response, 200);
}

function pathOf({ query }: DockerCall): string {
  const path = query.get('path') ?? '';
  if (path === '') throw new DockerError(400, 'bad parameter: path cannot be empty');
  if (path.includes('\0')) throw new DockerError(400, 'bad parameter: path has a zero byte');
  return path;
}

function statHeader(stat: PathStat): Record<string, string> {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}
