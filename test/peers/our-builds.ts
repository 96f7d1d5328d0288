import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { createRuntime } from '../../src/containers/runtime.ts';
import { decodeLayer } from '../../src/images/decompress.ts';
import type { Layer } from '../../src/images/layer.ts';
import { Problem } from '../../src/lib/problem.ts';
import { putBusybox } from '../cases/image-build/busybox-base.ts';
import { OWN, openTestEngine, type TestEngine } from '../cases/image-build/test-engine.ts';
import { type BuildCase, withContext } from './build-case.ts';
import type { BuildAnswer } from './compare.ts';
import { flattenImage, type LayerChange, readLayer } from './flat-image.ts';

export interface BaseLayers {
  diffIDs: string[];
  layers: LayerChange[][];
}

/** Our engine, with the image that the cases call `busybox`. */
export interface OurBuilds {
  base: BaseLayers;
  build(each: BuildCase): Promise<BuildAnswer>;
  /** The base as a file that other builders can load, under every name given. */
  saveBase(names: readonly string[]): Promise<{ path: string; remove: () => Promise<void> }>;
  /** Another name for the base. */
  nameBase(name: string): Promise<void>;
  close(): Promise<void>;
}

const BASE = `${OWN}/base:1`;

export async function openOurBuilds(): Promise<OurBuilds> {
  const test = await openTestEngine({
    runtime: (folder) => createRuntime({ dataFolder: folder, tag: 'peercases', allowHostNetwork: false }),
  });
  await putBusybox(test.deps);
  await test.engine.pull(BASE, test.caller());
  const nameBase = (name: string) => test.engine.tag(BASE, name, test.caller());
  await nameBase('busybox');
  const { layers } = await test.engine.inspect('busybox', test.caller());
  const base = { diffIDs: layers.map(({ diffID }) => diffID), layers: await Promise.all(layers.map(read)) };

  async function read(layer: Layer): Promise<LayerChange[]> {
    return await readLayer(await openLayer(test, layer));
  }

  return {
    base,
    nameBase,
    build: async (each) => {
      try {
        if (each.parent !== undefined)
          await build(test, each, { text: each.parent, name: 'parent.Dockerfile' }, 'parent');
        await build(test, each, { path: each.file }, 'case');
      } catch (error) {
        if (error instanceof Problem) return { error: error.message };
        throw error;
      }
      const image = await test.engine.inspect('case', test.caller());
      return { image: flattenImage(image.config, await Promise.all(image.layers.map(read)), base) };
    },
    saveBase: (names) => saveBase(test, layers, names),
    close: () => test.close(),
  };
}

async function build(
  test: TestEngine,
  each: BuildCase,
  dockerfile: { path: string } | { text: string; name: string },
  name: string,
): Promise<void> {
  const { buildArgs = {}, labels = {}, target } = name === 'parent' ? {} : each.args;
  await withContext(each, async (context) => {
    await test.build(context, { dockerfile, tags: [name], buildArgs, labels, target });
  });
}

async function openLayer(test: TestEngine, { blob, diffID }: Layer): Promise<AsyncIterable<Uint8Array>> {
  return decodeLayer(await test.deps.content.open(blob.digest), blob.mediaType, { diffID });
}

async function saveBase(
  test: TestEngine,
  layers: readonly Layer[],
  names: readonly string[],
): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-peer-base-'));
  const path = join(folder, 'base.tar');
  const { config } = await test.engine.inspect('busybox', test.caller());
  const archive = tar.pack();
  const written = pipeline(archive, createWriteStream(path));
  archive.entry({ name: 'config.json' }, JSON.stringify(config));
  const files: string[] = [];
  for (const [i, layer] of layers.entries()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of Readable.from(await openLayer(test, layer))) chunks.push(chunk as Uint8Array);
    files.push(`layer${i}.tar`);
    archive.entry({ name: `layer${i}.tar` }, Buffer.concat(chunks));
  }
  archive.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'config.json', RepoTags: names, Layers: files }]));
  archive.finalize();
  await written;
  return { path, remove: () => rm(folder, { recursive: true }) };
}
