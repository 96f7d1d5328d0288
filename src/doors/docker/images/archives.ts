import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseReference } from '../../../images/reference.ts';
import { hasErrorCode, Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { tell } from './image-events.ts';
import { familiar } from './image-json.ts';

/** `docker save` of several. */
export async function saveImages(call: DockerCall): Promise<void> {
  await save(
    call,
    call.query.getAll('names').flatMap((names) => names.split(',')),
  );
}

/** `docker save` of one. */
export async function saveImage(call: DockerCall): Promise<void> {
  await save(call, [call.params['name'] ?? '']);
}

async function save(call: DockerCall, asked: readonly string[]): Promise<void> {
  const { response, house, caller } = call;
  const names = (await Promise.all(asked.filter((name) => name !== '').map((name) => allMeant(name, call)))).flat();
  await house.engine.save(
    names,
    'docker',
    async (bytes) => {
      response.writeHead(200, { 'Content-Type': 'application/x-tar' });
      await pipeline(Readable.from(bytes, { objectMode: false }), response).catch((error: unknown) => {
        // a client that goes away is no error of ours
        if (!hasErrorCode(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE')) throw error;
      });
    },
    caller,
    { shortNames: true },
  );
  for (const name of names) tell(call, 'save', name, name);
}

/** A name without a tag is every tag of its repository. @throws Problem `not-found` */
async function allMeant(name: string, { house, caller }: DockerCall): Promise<string[]> {
  const bare = bareReference(name);
  const all = bare === undefined ? [] : await house.engine.images(caller);
  const tags = all.flatMap((image) => {
    const { host, repository, tag } = parseReference(image.name);
    return host === bare?.host && repository === bare.repository && tag !== undefined ? [familiar(image.name)] : [];
  });
  if (tags.length > 0) return tags;
  await house.engine.shelf.find(name, caller).catch((error: unknown) => {
    if (!(error instanceof Problem) || error.code !== 'not-found' || bare === undefined) throw error;
    throw new Problem('not-found', `No such image: ${name}`);
  });
  return [name];
}

function bareReference(name: string): { host: string; repository: string } | undefined {
  try {
    const { host, repository, tag, digest } = parseReference(name);
    return tag === undefined && digest === undefined ? { host, repository } : undefined;
  } catch {
    return undefined; // an id of 64 digits is no reference
  }
}

/** `docker load`: archives of docker, podman, buildah and skopeo, plain or packed. */
export async function loadArchive(call: DockerCall): Promise<void> {
  const { request, house, caller } = call;
  const lines = new JsonLines(call);
  // dockerd's head leaves at once, and so do its complaints: inside the stream
  lines.begin();
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const loaded = await house.engine.load(body, caller);
  for (const { image, names } of loaded) {
    if (names.length === 0) void lines.send({ stream: `Loaded image ID: ${image.id}\n` });
    for (const name of names) void lines.send({ stream: `Loaded image: ${familiar(name)}\n` });
    tell(call, 'load', image.id, names[0] === undefined ? image.id : familiar(names[0]));
  }
  lines.end();
}
