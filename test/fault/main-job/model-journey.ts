import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Digester } from '../../../src/images/digest.ts';
import { runOk } from '../../../src/lib/run.ts';
import type { TestServer } from '../../wire/server.ts';

const IMAGE = 'demo/journey/model';
const GOOGLE = `europe-central2-docker.pkg.dev/${IMAGE}`;

/**
 * A model of so many megabytes goes the way of the lesson: up to a bucket, by a build step into /workspace, by COPY into an
 * image, to our registry, down again by skopeo, and from there into another repository of ours.
 * @param uploader gcloud takes seconds to start, and uploads large files in parts
 * @throws when it comes back as other bytes
 */
export async function modelJourney(server: TestServer, megabytes: number, uploader: 'curl' | 'gcloud'): Promise<void> {
  const model = join(server.folder, 'model.bin');
  const sent = await writeModel(model, megabytes);
  const folder = await server.source('journey', {
    Dockerfile: 'FROM scratch\nCOPY models/ /models/\n',
    'cloudbuild.yaml': `
steps:
- { name: gcr.io/cloud-builders/gsutil, args: [cp, 'gs://journey/model.bin', models/model.bin] }
- { name: gcr.io/cloud-builders/docker, args: [build, '--tag=${GOOGLE}:1', .] }
- { name: gcr.io/cloud-builders/docker, args: [push, '${GOOGLE}:1'] }
- { name: gcr.io/cloud-builders/gsutil, args: [cp, models/model.bin, 'gs://journey/again.bin'] }
`,
  });
  const authorized = ['-sSf', '-H', `Authorization: Bearer ${await server.token()}`];
  const json = ['-H', 'Content-Type: application/json', '-d', '{"name":"journey"}'];
  await server.clientOk('curl', [...authorized, ...json, `${server.url}/storage/v1/b?project=demo`]);
  if (uploader === 'gcloud') await server.clientOk('gcloud', ['storage', 'cp', model, 'gs://journey/model.bin']);
  else
    await server.clientOk('curl', [
      ...[...authorized, '-o', '/dev/null', '-X', 'POST', '-T', model],
      `${server.url}/upload/storage/v1/b/journey/o?uploadType=media&name=model.bin`,
    ]);
  const { build, log } = await server.submit(folder, '--config', join(folder, 'cloudbuild.yaml'));
  if (build.status !== 'SUCCESS') throw new Error(log);
  const pulled = join(server.folder, 'pulled');
  await mkdir(pulled);
  const creds = `oauth2accesstoken:${await server.token()}`;
  const copy = (...args: string[]) => server.clientOk('skopeo', ['copy', ...args]);
  await copy('--src-tls-verify=false', '--src-creds', creds, `docker://${server.host}/${IMAGE}:1`, `dir:${pulled}`);
  const back = await modelIn(pulled);
  if (back !== sent) throw new Error(`sent ${sent}, got ${back}`);
  const other = `docker://${server.host}/demo/other/model:1`;
  await copy('--dest-tls-verify=false', '--dest-creds', creds, '--dest-compress', `dir:${pulled}`, other);
}

/** One half that can't be compressed, one half that can; @returns its digest */
async function writeModel(path: string, megabytes: number): Promise<string> {
  const digester = new Digester();
  const random = randomBytes(1 << 20);
  const text = Buffer.from(randomBytes((1 << 20) / 2).toString('hex'));
  const chunks = function* () {
    for (let i = 0; i < megabytes; i++) {
      const chunk = Buffer.from(i % 2 === 0 ? random : text);
      chunk.writeUInt32BE(i);
      digester.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Readable.from(chunks()), createWriteStream(path));
  return digester.finish();
}

/** Digest of /models/model.bin in the layer of an image that skopeo has written to a folder. */
async function modelIn(folder: string): Promise<string> {
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, size: (await stat(join(folder, name))).size })),
  );
  const layer = sizes.sort((a, b) => b.size - a.size)[0]?.name ?? '';
  const unpack = 'tar -xOf "$1" models/model.bin | sha256sum';
  const { stdout } = await runOk('sh', ['-c', unpack, 'sh', join(folder, layer)]);
  return `sha256:${stdout.split(' ')[0]}`;
}
