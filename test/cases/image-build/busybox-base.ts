import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { type LayerItem, writeLayer } from '../../../src/engine/layers/write-layer.ts';
import type { TreeEntry } from '../../../src/engine/trees/entry.ts';
import type { ImageConfig } from '../../../src/images/config.ts';
import type { Descriptor } from '../../../src/images/descriptor.ts';
import type { ImageIndex, ImageManifest } from '../../../src/images/manifest.ts';
import { MEDIA } from '../../../src/images/media-types.ts';
import type { Platform } from '../../../src/images/platform.ts';
import { ownName, repositoryKey } from '../../../src/stores/registry/name.ts';
import { OWN } from './test-engine.ts';

export const BUSYBOX = '/bin/busybox';
export const hasBusybox = existsSync(BUSYBOX);

const CREATED = '2024-01-02T03:04:05Z';
const MTIME_NS = BigInt(Date.parse(CREATED)) * 1_000_000n;

const text = (value: string) =>
  async function* () {
    yield Buffer.from(value);
  };

function entry(path: string, type: TreeEntry['type'], rest: Partial<TreeEntry> = {}): TreeEntry {
  return { path, type, mode: type === 'folder' ? 0o755 : 0o644, uid: 0, gid: 0, size: 0, mtimeNs: MTIME_NS, ...rest };
}

function textFile(path: string, value: string, rest: Partial<TreeEntry> = {}): LayerItem {
  return { kind: 'entry', entry: entry(path, 'file', { size: Buffer.byteLength(value), ...rest }), open: text(value) };
}

/** A small Linux: busybox with its applets, users, a sticky /tmp and a merged /usr. */
async function* busyboxTree(): AsyncGenerator<LayerItem> {
  const { size } = await stat(BUSYBOX);
  for (const path of ['dev', 'etc', 'home', 'proc', 'sys', 'usr', 'usr/bin', 'usr/lib', 'var', 'var/lib'])
    yield { kind: 'entry', entry: entry(path, 'folder') };
  yield { kind: 'entry', entry: entry('root', 'folder', { mode: 0o700 }) };
  yield { kind: 'entry', entry: entry('tmp', 'folder', { mode: 0o1777 }) };
  yield { kind: 'entry', entry: entry('bin', 'symlink', { link: 'usr/bin', mode: 0o777 }) };
  yield { kind: 'entry', entry: entry('lib', 'symlink', { link: 'usr/lib', mode: 0o777 }) };
  yield { kind: 'entry', entry: entry('home/app', 'folder', { uid: 1000, gid: 1001, mode: 0o750 }) };
  yield textFile('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n');
  yield textFile('etc/group', 'root:x:0:\nstaff:x:50:\napp:x:1001:\n');
  yield {
    kind: 'entry',
    entry: entry('usr/bin/busybox', 'file', { size, mode: 0o755 }),
    open: () => createReadStream(BUSYBOX),
  };
  for (const name of await applets())
    yield { kind: 'entry', entry: entry(`usr/bin/${name}`, 'symlink', { link: 'busybox', mode: 0o777 }) };
}

async function applets(): Promise<string[]> {
  const { stdout } = await promisify(execFile)(BUSYBOX, ['--list']);
  return stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
}

/** Puts a base image into our own registry. */
export async function putBusybox(
  deps: EngineDeps,
  tag = 'base:1',
  platform: Platform = deps.platform,
): Promise<Descriptor> {
  const layer = await writeLayer(deps.content, busyboxTree(), new AbortController().signal);
  await layer.adopt();
  const config: ImageConfig = {
    ...platform,
    created: CREATED,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: [layer.layer.diffID] },
    history: [{ created: CREATED, created_by: 'COPY busybox' }],
  };
  return await putImage(deps, tag, config, [layer.layer.blob]);
}

export async function putImage(
  deps: EngineDeps,
  tag: string,
  config: ImageConfig,
  layers: Descriptor[],
): Promise<Descriptor> {
  const json = async (mediaType: string, value: unknown): Promise<Descriptor> => {
    const { digest, size } = await deps.content.put(Buffer.from(JSON.stringify(value)));
    return { mediaType, digest, size };
  };
  const configBlob = await json(MEDIA.ociConfig, config);
  const value: ImageManifest = { schemaVersion: 2, mediaType: MEDIA.ociManifest, config: configBlob, layers };
  const manifest = await json(MEDIA.ociManifest, value);
  await record(deps, tag, manifest, [configBlob, ...layers], []);
  return manifest;
}

export async function putIndex(deps: EngineDeps, tag: string, manifests: Descriptor[]): Promise<Descriptor> {
  const value: ImageIndex = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests };
  const { digest, size } = await deps.content.put(Buffer.from(JSON.stringify(value)));
  const index = { mediaType: MEDIA.ociIndex, digest, size };
  await record(deps, tag, index, [], manifests);
  return index;
}

async function record(
  deps: EngineDeps,
  name: string,
  { digest, mediaType, size }: Descriptor,
  blobs: Descriptor[],
  children: Descriptor[],
): Promise<void> {
  const [host = '', ...path] = OWN.split('/');
  const [image = '', tag = 'latest'] = name.split(':');
  await deps.registry.putManifest(repositoryKey(ownName(host, [...path, image].join('/'), deps.own)), {
    digest,
    mediaType,
    size,
    blobs: blobs.map((blob) => blob.digest),
    link: blobs.map((blob) => blob.digest),
    children: children.map((child) => child.digest),
    tags: [tag],
    actor: 'tester',
  });
}
