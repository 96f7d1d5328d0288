import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeDocument } from '../../../src/engine/cache/document.ts';
import type { CacheExport, CacheImport } from '../../../src/engine/request.ts';
import { type DebianRegistry, startDebianRegistry } from '../../wire/debian-registry.ts';
import { hasBusybox, putBusybox } from '../image-build/busybox-base.ts';
import { isRoot } from '../image-build/needs.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { type PretendRuntime, pretendRuntime } from './pretend-runtime.ts';

const hasRegistry = existsSync('/usr/bin/docker-registry');

const DOCKERFILE = `FROM ${OWN}/base:1
WORKDIR /app
COPY need.txt .
RUN install
COPY . .
RUN check
`;

const STAGES = `FROM ${OWN}/base:1 AS make
COPY need.txt /
RUN make
FROM ${OWN}/base:1
COPY --from=make /make /made
`;

interface Machine {
  test: TestEngine;
  runtime: PretendRuntime;
}

describe.skipIf(!hasBusybox || !isRoot)('the layer cache of another machine', () => {
  let a: Machine;
  let b: Machine;
  let context: string;
  let folder: string;

  const machine = async (): Promise<Machine> => {
    const runtime = pretendRuntime();
    const test = await openTestEngine({ runtime: () => runtime });
    await putBusybox(test.deps);
    return { test, runtime };
  };
  beforeEach(async () => {
    a = await machine();
    b = await machine();
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    folder = await mkdtemp(join(tmpdir(), 'slipway-cache-folder-'));
    await writeFile(join(context, 'need.txt'), 'flask');
    await writeFile(join(context, 'main.py'), 'print()');
    await writeFile(join(context, '.dockerignore'), 'Dockerfile\n');
  });
  afterEach(async () => {
    await a.test.close();
    await b.test.close();
    await rm(context, { recursive: true });
    await rm(folder, { recursive: true });
  });

  const build = async (on: Machine, request: TestRequest = {}, dockerfile = DOCKERFILE): Promise<TestBuild> => {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    return await on.test.build(context, request);
  };
  const states = (result: TestBuild) => result.steps.map((step) => step.status);
  const notes = (result: TestBuild) =>
    result.events.flatMap((event) => (event.kind === 'note' ? [event.text] : [])).join('\n');
  const vertices = (result: TestBuild) =>
    result.events.flatMap((event) => (event.kind === 'vertex' ? [event.name] : []));
  const layers = (result: TestBuild) => result.steps.map((step) => step.layer?.diffID);

  describe('as a folder', () => {
    const to = (mode: 'min' | 'max' = 'min'): CacheExport[] => [{ kind: 'local', path: folder, mode }];
    const from = (): CacheImport[] => [{ kind: 'local', path: folder }];

    it('is found without running anything', async () => {
      const made = await build(a, { cacheTo: to() });
      expect(vertices(made)).toContain(`exporting cache to ${folder}`);
      const found = await build(b, { cacheFrom: from() });
      expect(vertices(found)).toContain(`importing cache manifest from ${folder}`);
      expect(states(found)).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
      expect(b.runtime.ran).toEqual([]);
      expect(layers(found)).toEqual(layers(made));
      expect(found.steps[3]?.since).toMatchObject({ importedFrom: folder });
    });

    it("is the project's from then on", async () => {
      await build(a, { cacheTo: to() });
      await build(b, { cacheFrom: from() });
      expect(states(await build(b))).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
    });

    it('is not looked into when everything is here', async () => {
      await build(a, { cacheTo: to() });
      await build(b);
      const again = await build(b, { cacheFrom: from() });
      expect(vertices(again)).not.toContain(`importing cache manifest from ${folder}`);
    });

    it('serves what comes before the first change, and explains the change', async () => {
      await build(a, { cacheTo: to() });
      await writeFile(join(context, 'main.py'), 'print(1)');
      const found = await build(b, { cacheFrom: from() });
      expect(states(found)).toEqual(['cached', 'cached', 'cached', 'ran', 'ran']);
      expect(b.runtime.ran).toEqual(['check']);
      expect(found.steps[3]).toMatchObject({
        reason: '1 of 3 files changed: main.py',
        details: [expect.stringMatching(/^main\.py: [0-9a-f]{8} -> [0-9a-f]{8}, 7 B -> 8 B$/)],
        since: { importedFrom: folder },
      });
    });

    it('has the stages that are only copied from with mode=max', async () => {
      await build(a, { cacheTo: to('min') }, STAGES);
      await build(b, { cacheFrom: from() }, STAGES);
      expect(b.runtime.ran).toEqual(['make']);
      await build(a, { cacheTo: to('max') }, STAGES);
      const c = await machine();
      await build(c, { cacheFrom: from() }, STAGES);
      expect(c.runtime.ran).toEqual([]);
      await c.test.close();
    });

    it('is the same when nothing changed', async () => {
      await build(a, { cacheTo: to() });
      const before = await readFile(join(folder, 'index.json'), 'utf8');
      await build(a, { cacheTo: to() });
      expect(await readFile(join(folder, 'index.json'), 'utf8')).toBe(before);
    });

    it('reads no file outside of the folder', async () => {
      await build(a, { cacheTo: to() });
      const secret = join(context, 'outside.json');
      await writeFile(secret, await readFile(join(folder, 'index.json')));
      await unlink(join(folder, 'index.json'));
      await symlink(secret, join(folder, 'index.json'));
      const found = await build(b, { cacheFrom: from() });
      expect(notes(found)).toContain('is not used: there is no cache in');
    });

    it('is read again where it was changed, and not believed', async () => {
      await build(a, { cacheTo: to() });
      const { manifests } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
      await writeFile(join(folder, `blobs/${manifests[0].digest.replace(':', '/')}`), '{}');
      const found = await build(b, { cacheFrom: from() });
      expect(notes(found)).toContain('has been changed');
      expect(states(found)).toEqual(['ran', 'ran', 'ran', 'ran', 'ran']);
    });
  });

  it.each<[why: string, from: CacheImport]>([
    ['cannot be reached', { kind: 'registry', reference: '127.0.0.1:1/p/cache:main' }],
    ['does not exist', { kind: 'registry', reference: `${OWN}/nothing:here` }],
    ['is no folder', { kind: 'local', path: '/nonexistent/cache' }],
    ['has no name', { kind: 'registry', reference: 'NOT/A//NAME' }],
  ])('is passed over with a warning when it %s', async (_, from) => {
    const found = await build(b, { cacheFrom: [from] });
    expect(notes(found)).toMatch(/WARNING: the cache .* is not used/);
    expect(states(found)).toEqual(['ran', 'ran', 'ran', 'ran', 'ran']);
  });

  it('is not written where it cannot be, and the build is done all the same', async () => {
    const result = await build(b, {
      tags: ['app'],
      cacheTo: [{ kind: 'registry', reference: '127.0.0.1:1/p/cache:main', mode: 'min' }],
    });
    expect(notes(result)).toMatch(/WARNING: the cache 127\.0\.0\.1:1\/p\/cache:main was not written/);
    expect(await b.test.engine.images(b.test.caller())).toHaveLength(1);
  });

  it('lies in our own registry like any image', async () => {
    const reference = `${OWN}/cache:main`;
    await build(a, { cacheTo: [{ kind: 'registry', reference, mode: 'min' }] });
    const other = { ...a.test.caller(), project: 'another' };
    const found = await a.test.build(context, { cacheFrom: [{ kind: 'registry', reference }] }, other);
    expect(states(found)).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
  });

  it('gives nobody the layer of another project, whose digest a forged record names', async () => {
    const made = await build(a);
    const stolen = made.steps[2]?.layer;
    if (stolen === undefined) throw new Error('the build made no layer');
    const { deps } = a.test;
    const spy = { ...a.test.caller(), project: 'spy' };
    // what the spy may write: a cache of its own that names keys of its own and a digest that it knows
    const probe = await a.test.build(context, { cacheTo: [{ kind: 'local', path: folder, mode: 'max' }] }, spy);
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    const blob = (digest: string) => join(folder, `blobs/${digest.replace(':', '/')}`);
    const manifest = JSON.parse(await readFile(blob(index.manifests[0].digest), 'utf8'));
    const { records } = JSON.parse(await readFile(blob(manifest.config.digest), 'utf8'));
    const forged = writeDocument(
      records.map((record: { layer?: object; key: string }) => ({
        ...record,
        ...(record.layer === undefined ? {} : { layer: stolen }),
      })),
    );
    const { digest, size } = await deps.content.put(forged);
    const { put } = await forge(deps, manifest, { ...manifest.config, digest, size });
    await put(`${OWN}/spy:cache`);
    const caller = { ...a.test.caller(), project: 'spy2' };
    const found = await a.test.build(
      context,
      { cacheFrom: [{ kind: 'registry', reference: `${OWN}/spy:cache` }] },
      caller,
    );
    expect(probe.steps.length).toBe(found.steps.length);
    expect(found.steps.filter((step) => step.layer?.diffID === stolen.diffID && step.status === 'cached')).toEqual([]);
  });

  describe.skipIf(!hasRegistry)('in a registry (needs docker-registry)', () => {
    let registry: DebianRegistry;
    beforeAll(async () => {
      registry = await startDebianRegistry();
    });
    afterAll(() => registry.stop());

    it('is found there, and a layer is fetched when something needs its files', async () => {
      const reference = `${registry.host}/team/cache:main`;
      const made = await build(a, { cacheTo: [{ kind: 'registry', reference, mode: 'max' }] });
      const found = await build(b, { cacheFrom: [{ kind: 'registry', reference }] });
      expect(states(found)).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
      expect(layers(found)).toEqual(layers(made));
      const blob = found.steps[2]?.layer?.blob.digest;
      if (blob === undefined) throw new Error('no layer');
      expect(await b.test.deps.content.stat(blob)).toBeUndefined();
      expect(states(await build(b))).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
      expect(states(await build(b, {}, `${DOCKERFILE}RUN more\n`)).at(-1)).toBe('ran');
      expect(await b.test.deps.content.stat(blob)).toBeDefined();
    });

    it('travels inside of an image when that was asked for', async () => {
      const reference = `${registry.host}/team/app:1`;
      const made = await build(a, { tags: [reference], buildArgs: { BUILDKIT_INLINE_CACHE: '1' } });
      await a.test.engine.push(reference, a.test.caller());
      const found = await build(b, { cacheFrom: [{ kind: 'registry', reference }] });
      expect(states(found)).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
      expect(layers(found)).toEqual(layers(made));
    });

    it('is an image without any records, by its history', async () => {
      const reference = `${registry.host}/team/plain:1`;
      const made = await build(a, { tags: [reference] });
      await a.test.engine.push(reference, a.test.caller());
      const found = await build(b, { cacheFrom: [{ kind: 'registry', reference }] });
      expect(layers(found)).toEqual(layers(made));
      expect(b.runtime.ran).toEqual([]);
    });

    it('is not an image whose RUN saw another environment', async () => {
      const reference = `${registry.host}/team/env:1`;
      const dockerfile = (value: string) => `FROM ${OWN}/base:1\nENV V=${value}\nRUN install\n`;
      await build(a, { tags: [reference] }, dockerfile('1'));
      await a.test.engine.push(reference, a.test.caller());
      const request: TestRequest = { cacheFrom: [{ kind: 'registry', reference }] };
      await build(b, request, dockerfile('2'));
      expect(b.runtime.ran).toEqual(['install']);
      await build(b, request, dockerfile('1'));
      expect(b.runtime.ran).toEqual(['install']);
    });
  });
});

/** A cache manifest as its writer likes it, in our own registry. */
async function forge(
  deps: TestEngine['deps'],
  manifest: { layers: object[] },
  config: { mediaType: string; digest: `sha256:${string}`; size: number },
) {
  const { ownName, repositoryKey } = await import('../../../src/stores/registry/name.ts');
  const bytes = Buffer.from(JSON.stringify({ ...manifest, config, layers: [] }));
  const stored = await deps.content.put(bytes);
  return {
    put: async (name: string) => {
      const [path = '', tag = 'latest'] = name.split(/:(?=[^/]*$)/);
      const [host = '', ...rest] = path.split('/');
      await deps.registry.putManifest(repositoryKey(ownName(host, rest.join('/'), deps.own)), {
        ...stored,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        blobs: [config.digest],
        link: [config.digest],
        children: [],
        tags: [tag],
        actor: 'spy',
      });
    },
  };
}
