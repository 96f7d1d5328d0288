import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms } from '../registry-image.ts';
import { missingForBuilds, TestServer } from '../server.ts';
import { type DockerDaemon, startDockerDaemon } from './docker-daemon.ts';
import { unmountBelow } from './unmount-below.ts';

const GOOGLE = 'europe-central2-docker.pkg.dev';
const API = `${GOOGLE}/demo/live-coding/api`;
const REGION = '--region=europe-central2';
/** As the lesson has it. */
const LESSON = ['builds', 'submit', REGION, '--config=deploy/docker/api/cloudbuild.yaml'];
/** Run in the image by whoever pulled it: the application is there, and so is what RUN and the model step made. */
const SAY = 'import app.main, iris_scoring, json; print("model", sorted(json.load(open("models/model.json")))[0])';

const why = await missingForBuilds();
const missing = await missingPrograms('gcloud', 'gsutil', 'podman', 'docker', 'dockerd');
const lacks = (...programs: string[]) =>
  programs
    .filter((program) => missing.includes(program))
    .map((name) => `: no ${name}`)
    .join('');

/** The whole main job, driven by the clients that people have. The tests of this file go on from each other. */
describe.skipIf(why !== '')(`the main job${why}`, () => {
  let server: TestServer;
  let example: string;
  let digest: string;

  beforeAll(async () => {
    server = await TestServer.start();
    example = await server.seed();
  });
  afterAll(async () => {
    // podman cleans up in the background when a container has ended, and mounts its storage once more for that
    if (server !== undefined) await unmountBelow(join(server.folder, 'podman'));
    await server?.close();
  });

  const tags = async () =>
    ((await server.get('/v2/demo/live-coding/api/tags/list')) as { tags: string[] }).tags.toSorted();

  it('builds the example by slipway submit, every step of it', async () => {
    const { build, log, code } = await server.submit(
      example,
      '--config',
      join(example, 'deploy/docker/api/cloudbuild.yaml'),
    );
    expect([code, build.status]).toEqual([0, 'SUCCESS']);
    expect(build.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'fetch-model SUCCESS',
      'pull-latest-container FAILURE',
      'build-new-image SUCCESS',
      'push-to-repository SUCCESS',
      'ask-for-a-prediction SUCCESS',
    ]);
    const images = build.results?.images ?? [];
    expect(images.map(({ name }) => name)).toEqual([`${API}:dev`, `${API}:latest`]);
    expect(new Set(images.map((image) => image.digest)).size).toBe(1);
    digest = images[0]?.digest ?? '';
    expect(log).toMatch(/^Step #4 - "ask-for-a-prediction": .*(setosa|versicolor|virginica)/m);
    expect(await tags()).toEqual(['dev', 'latest']);
  });

  describe.skipIf(lacks('gcloud') !== '')(`gcloud${lacks('gcloud')}`, () => {
    it('submits with the line of the lesson, and describes, lists and shows the log of that build', async () => {
      const submitted = await server.clientOk('gcloud', [...LESSON, '--async', '--format=value(id)'], { cwd: example });
      const id = submitted.stdout.trim();
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect((await server.cli(['builds', 'log', id, '--follow'])).code).toBe(0);
      const [described, listed, log] = await Promise.all([
        server.clientOk('gcloud', ['builds', 'describe', id, REGION, '--format=json']),
        server.clientOk('gcloud', ['builds', 'list', REGION, '--format=value(id,status)']),
        server.clientOk('gcloud', ['builds', 'log', id, REGION]),
      ]);
      expect(JSON.parse(described.stdout)).toMatchObject({ id, status: 'SUCCESS', projectId: 'demo' });
      expect(listed.stdout).toContain(`${id}\tSUCCESS`);
      expect(log.stdout).toContain('starting build');
      expect(log.stdout).toMatch(/^DONE$/m);
    });

    it('streams the log of a sync submit, whose new tag is no new version', async () => {
      const { stdout } = await server.clientOk('gcloud', [...LESSON, '--substitutions=_COMMIT_SHA=abc'], {
        cwd: example,
      });
      expect(stdout).toContain('Step #2 - "build-new-image": ');
      expect(stdout).toMatch(/SUCCESS/);
      expect(await tags()).toEqual(['abc', 'dev', 'latest']);
      const digests = await Promise.all(
        ['abc', 'dev', 'latest'].map(async (tag) => inspected(`${server.host}/demo/live-coding/api:${tag}`)),
      );
      expect(new Set(digests)).toEqual(new Set([digest]));
    });

    it('cancels a running build', async () => {
      const folder = join(server.folder, 'sleeper');
      await mkdir(folder);
      await writeFile(join(folder, 'cloudbuild.yaml'), `steps:\n- name: '${API}:latest'\n  args: [sleep, '300']\n`);
      const id = await server.submitAsync(folder, '--config', join(folder, 'cloudbuild.yaml'));
      const { stdout } = await server.clientOk('gcloud', ['builds', 'cancel', id, REGION, '--format=value(status)']);
      expect(stdout.trim()).toBe('CANCELLED');
      expect((await server.build(id)).status).toBe('CANCELLED');
    });

    it('copies files to a bucket and back: gcloud storage cp, gsutil cp', async () => {
      const there = join(server.folder, 'model.bin');
      const bytes = Buffer.alloc(3 << 20, 'model ');
      await writeFile(there, bytes);
      await server.clientOk('gcloud', ['storage', 'cp', there, 'gs://inzynier-ai-models/wire/model.bin']);
      if (!missing.includes('gsutil')) {
        await server.clientOk('gsutil', ['-q', 'cp', 'gs://inzynier-ai-models/wire/model.bin', `${there}.back`]);
        expect((await readFile(`${there}.back`)).equals(bytes)).toBe(true);
      }
    });
  });

  const login = async () => ['-u', 'oauth2accesstoken', '-p', await server.token()];
  const inspected = async (image: string): Promise<string> => {
    const creds = `oauth2accesstoken:${await server.token()}`;
    const google = image.startsWith(GOOGLE);
    const env = google ? { HTTPS_PROXY: server.url, SSL_CERT_FILE: join(server.data, 'ca.pem') } : {};
    const flags = google ? [] : ['--tls-verify=false'];
    const args = ['inspect', ...flags, '--creds', creds, '--format', '{{.Digest}}', `docker://${image}`];
    return (await server.clientOk('skopeo', args, { env })).stdout.trim();
  };
  /** By both names of the host, by tag and by digest. */
  const references = () =>
    [`${server.host}/demo/live-coding/api`, API].flatMap((name) => [`${name}:latest`, `${name}@${digest}`]);

  it('serves skopeo by tag and by digest, under both names', async () => {
    for (const reference of references()) expect(await inspected(reference)).toBe(digest);
  });

  it.skipIf(lacks('podman') !== '')(`is pulled and run by podman, under both names${lacks('podman')}`, async () => {
    const storage = join(server.folder, 'podman');
    const flags = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run'), '--cgroup-manager', 'cgroupfs'];
    const env = {
      HOME: storage,
      XDG_RUNTIME_DIR: storage,
      HTTPS_PROXY: server.url,
      SSL_CERT_FILE: join(server.data, 'ca.pem'),
    };
    await mkdir(storage);
    const podman = async (...args: string[]) => (await server.clientOk('podman', [...flags, ...args], { env })).stdout;
    await podman('login', '--tls-verify=false', ...(await login()), server.host);
    await podman('login', ...(await login()), GOOGLE);
    const ids = new Set<string>();
    for (const reference of references()) {
      const plain = reference.startsWith(GOOGLE) ? [] : ['--tls-verify=false'];
      ids.add((await podman('pull', '-q', ...plain, reference)).trim());
    }
    expect(ids.size).toBe(1);
    // podman asks for more than root may have where the machine is a container itself
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
    const run = ['run', '--rm', '--network', 'none', ...limits, API];
    expect(await podman(...run, 'python', '-c', SAY)).toMatch(/^model \w/);
  });

  it.skipIf(lacks('docker', 'dockerd') !== '')(
    `is pulled and run by a real dockerd${lacks('docker', 'dockerd')}`,
    async () => {
      const daemon: DockerDaemon = await startDockerDaemon(
        join(server.folder, 'd'),
        server.url,
        join(server.data, 'ca.pem'),
      );
      try {
        const { docker } = daemon;
        for (const host of [server.host, GOOGLE])
          await docker(['login', '-u', 'oauth2accesstoken', '--password-stdin', host], await server.token());
        const ids = new Set<string>();
        for (const reference of references()) {
          expect((await docker(['pull', reference])).stdout).toContain(`Digest: ${digest}`);
          ids.add((await docker(['image', 'inspect', '--format', '{{.Id}}', reference])).stdout);
        }
        expect(ids.size).toBe(1);
        const said = await docker(['run', '--rm', '--network', 'none', `${API}:latest`, 'python', '-c', SAY]);
        expect(said.stdout).toMatch(/^model \w/);
      } finally {
        await daemon.close();
      }
    },
  );

  it('keeps the digest of a FROM alone, for one platform and for an index of two', async () => {
    const mirror =
      /http:\/\/127\.0\.0\.1:\d+/.exec(await readFile(join(server.data, 'slipway.yaml'), 'utf8'))?.[0] ?? '';
    const manifests = `${mirror}/v2/library/busybox/manifests`;
    const accept = 'application/vnd.oci.image.index.v1+json';
    const upstream = await fetch(`${manifests}/latest`, { headers: { accept } });
    const index = upstream.headers.get('docker-content-digest') ?? '';
    const listed = ((await upstream.json()) as { manifests: { digest: string }[] }).manifests;
    expect(listed).toHaveLength(2);
    for (const [tag, pinned] of [
      ['two', index],
      ['one', listed[0]?.digest ?? ''],
    ] as const) {
      const folder = join(server.folder, `from-${tag}`);
      await mkdir(folder);
      await writeFile(join(folder, 'Dockerfile'), `FROM busybox@${pinned}\n`);
      const { build, code } = await server.submit(folder, '--tag', `${GOOGLE}/demo/bases/busybox:${tag}`);
      expect([code, build.status, build.results?.images?.map((image) => image.digest)]).toEqual([
        0,
        'SUCCESS',
        [pinned],
      ]);
      const manifest = await fetch(`${server.url}/v2/demo/bases/busybox/manifests/${tag}`, {
        headers: {
          accept: `${accept}, application/vnd.oci.image.manifest.v1+json`,
          authorization: `Bearer ${await server.token()}`,
        },
      });
      expect(manifest.headers.get('docker-content-digest')).toBe(pinned);
    }
  });
});
