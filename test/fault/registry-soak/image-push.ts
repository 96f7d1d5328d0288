import { MEDIA } from '../../../src/images/media-types.ts';
import type { RegistryAnswer } from '../../wire/registry-call.ts';
import type { Choices } from './choices.ts';
import type { MadeBlob, MadeImage } from './made-images.ts';
import type { SoakServer } from './soak-server.ts';

/** An answer that no client deserves. */
export function require(answer: RegistryAnswer, what: string, ...allowed: number[]): RegistryAnswer {
  if (allowed.includes(answer.status)) return answer;
  throw new Error(`${what}: ${answer.status} ${answer.body.toString().slice(0, 500)}`);
}

/** Pushes as clients do: blobs that are not there yet by one way or another, then manifests, the index last. */
export async function pushImage(
  server: Pick<SoakServer, 'send'>,
  choices: Choices,
  target: { repository: string; tag?: string; from: readonly string[] },
  image: MadeImage,
): Promise<RegistryAnswer> {
  const { repository, from } = target;
  for (const child of image.children) await pushImage(server, choices, { repository, from }, child);
  for (const blob of image.blobs) await pushBlob(server, choices, { repository, from }, blob);
  const answer = await server.send('PUT', `/v2/${repository}/manifests/${target.tag ?? image.digest}`, {
    headers: { 'Content-Type': image.mediaType },
    body: image.manifest,
  });
  // an honest answer to a push that took longer than a server with such short hours waits for: it is begun again
  if (answer.status === 400 && answer.body.includes('MANIFEST_BLOB_UNKNOWN'))
    return pushImage(server, choices, target, image);
  return require(answer, `push of ${repository}:${target.tag ?? image.digest}`, 201);
}

async function pushBlob(
  server: Pick<SoakServer, 'send'>,
  choices: Choices,
  { repository, from }: { repository: string; from: readonly string[] },
  { digest, bytes }: MadeBlob,
): Promise<void> {
  const there = await server.send('HEAD', `/v2/${repository}/blobs/${digest}`);
  if (require(there, `HEAD ${digest}`, 200, 404).status === 200) return;
  const uploads = `/v2/${repository}/blobs/uploads/`;
  if (choices.once(3)) {
    const where = choices.once(2) ? '' : `&from=${choices.of(from)}`;
    const mount = await server.send('POST', `${uploads}?mount=${digest}${where}`);
    if (require(mount, 'mount', 201, 202).status === 201) return;
    if (await sendParts(server, String(mount.headers.location), digest, [bytes()])) return;
  }
  if (choices.once(2)) {
    const whole = await server.send('POST', `${uploads}?digest=${digest}`, { body: bytes() });
    require(whole, 'upload at once', 201);
    return;
  }
  const body = bytes();
  const cut = choices.below(body.length);
  for (;;) {
    const session = require(await server.send('POST', uploads), 'begin of an upload', 202);
    if (await sendParts(server, String(session.headers.location), digest, [body.subarray(0, cut), body.subarray(cut)]))
      return;
  }
}

/** @returns false when the session had been given up: a server that was started again thinks by its clock that a day went by */
async function sendParts(
  server: Pick<SoakServer, 'send'>,
  location: string,
  digest: string,
  parts: Buffer[],
): Promise<boolean> {
  for (const part of parts) {
    const sent = require(await server.send('PATCH', location, { body: part, streamed: true }), 'part', 202, 404);
    if (sent.status === 404) return false;
  }
  return require(await server.send('PUT', `${location}?digest=${digest}`), 'end of an upload', 201, 404).status === 201;
}

export const ACCEPT = [MEDIA.ociIndex, MEDIA.ociManifest].join(', ');
