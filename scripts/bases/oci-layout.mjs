// Writes OCI image layouts (image-spec, image-layout.md): blobs by digest, an index.json that names them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export function createLayout(folder) {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

/** Packs a folder as one gzip layer; owners as numbers, names sorted, no times of access. */
export async function addLayer(layout, folder) {
  const tar = spawn('tar', ['--numeric-owner', '--sort=name', '--xattrs', '-C', folder, '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    tar.on('error', reject);
    tar.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar of ${folder} ended with ${code}`))));
  });
  const plain = measure();
  const packed = measure();
  const temporary = join(layout, `blobs/sha256/.${Math.random().toString(36).slice(2)}`);
  await pipeline(tar.stdout, plain, createGzip({ level: 1 }), packed, createWriteStream(temporary));
  await ended;
  renameSync(temporary, join(layout, 'blobs/sha256', packed.hex()));
  return {
    diffID: `sha256:${plain.hex()}`,
    descriptor: { mediaType: LAYER, digest: `sha256:${packed.hex()}`, size: packed.size },
  };
}

/** Config and manifest of one platform; gives back the manifest's descriptor. */
export function addImage(layout, { architecture, config, layers, history, created, variant }) {
  const platform = { architecture, os: 'linux', ...(variant === undefined ? {} : { variant }) };
  const configDescriptor = addJson(layout, CONFIG, {
    ...platform,
    created,
    config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffID) },
    history,
  });
  const manifest = addJson(layout, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: configDescriptor,
    layers: layers.map((layer) => layer.descriptor),
  });
  return { ...manifest, platform };
}

/** One index over several platforms. */
export function addIndex(layout, manifests) {
  return addJson(layout, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
}

/** Names the descriptor in index.json, which is what `skopeo copy oci:FOLDER:NAME` reads. */
export function nameImage(layout, descriptor, name) {
  const { platform: _, ...bare } = descriptor;
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ ...bare, annotations: { 'org.opencontainers.image.ref.name': name } }],
    }),
  );
}

function addJson(layout, mediaType, value) {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(layout, 'blobs/sha256', hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

function measure() {
  const hash = createHash('sha256');
  let hex;
  const stream = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk);
      stream.size += chunk.length;
      done(null, chunk);
    },
  });
  stream.size = 0;
  stream.hex = () => {
    hex ??= hash.digest('hex');
    return hex;
  };
  return stream;
}
