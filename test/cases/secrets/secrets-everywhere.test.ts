import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { missingPrograms } from '../../wire/registry-image.ts';
import { type EndedBuild, mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const VALUE = 'hush-3f9b1c77a2e04d5586';
const SHAPES = [VALUE, Buffer.from(VALUE).toString('base64'), VALUE.slice(4)];
const IMAGE = 'europe-central2-docker.pkg.dev/demo/shop/api:1';
const CONFIG = `
steps:
- id: image
  name: gcr.io/cloud-builders/docker
  args: [build, --secret, 'id=token,env=TOKEN', '--tag=${IMAGE}', .]
  secretEnv: [TOKEN]
- id: use
  name: busybox
  secretEnv: [TOKEN]
  script: |
    echo "whole $TOKEN"
    printf 'halves %s' "\${TOKEN%????????}"; sleep 0.2; printf '%s\\n' "\${TOKEN#???????????????}"
    printf '%s' "$TOKEN" | base64
    echo "to the other stream: $TOKEN" >&2
    echo the step has begun
    sleep 3
availableSecrets:
  secretManager:
  - { versionName: projects/$PROJECT_ID/secrets/token/versions/latest, env: TOKEN }
images: ['${IMAGE}']
options: { requestedVerifyOption: VERIFIED }
`;
const DOCKERFILE = `FROM busybox
RUN --mount=type=secret,id=token test "$(wc -c < /run/secrets/token)" = ${VALUE.length} && echo kept > /kept
`;

const why = await missingForBuilds();
const noGcloud = (await missingPrograms('gcloud')).length > 0;

/** A secret of a running server, from gcloud's hand to the steps of a build. The tests go on from each other. */
describe.skipIf(why !== '')(`a secret${why}`, () => {
  let server: TestServer;
  let values: string;

  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    values = join(server.folder, 'value');
    await writeFile(values, VALUE);
  });
  afterAll(() => server?.close());

  const gcloud = (...args: string[]) => server.client('gcloud', ['secrets', ...args]);

  it('is made by slipway, its value from a file or standard input, and never from the command line', async () => {
    expect(await server.ok('secret', 'create', 'token', '--data-file', values)).toContain(
      'created token in project demo',
    );
    expect(await server.ok('secret', 'get', 'token')).toBe(VALUE);
    expect(await server.ok('secret', 'list')).toMatch(/^token +1 enabled/m);
    expect(await server.ok('secret', 'disable', 'token', '1')).toBe('version 1 of token is disabled\n');
    const refused = await server.cli(['secret', 'get', 'token']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('slipway secret enable token 1')]);
    await server.ok('secret', 'enable', 'token', '1');
    const again = await server.cli(['secret', 'create', 'token', '--data-file', values]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('slipway secret add token')]);
  });

  it.skipIf(noGcloud)('is what gcloud secrets works on, unmodified', { timeout: 120_000 }, async () => {
    const created = await gcloud('create', 'gsec', `--data-file=${values}`, '--labels=team=web');
    expect(created.stderr).toBe('Created version [1] of the secret [gsec].\n');
    const [accessed, versions, listed] = await Promise.all([
      gcloud('versions', 'access', 'latest', '--secret=gsec'),
      gcloud('versions', 'list', 'gsec', '--format=value(name,state)'),
      gcloud('list', '--filter=labels.team=web', '--format=value(name)'),
    ]);
    expect(accessed.stdout).toBe(VALUE);
    expect(versions.stdout).toBe('1\tenabled\n');
    expect(listed.stdout).toBe('gsec\n');
    const [added, existing] = await Promise.all([
      gcloud('versions', 'add', 'gsec', `--data-file=${values}`),
      gcloud('create', 'gsec'),
    ]);
    expect(added.stderr).toBe('Created version [2] of the secret [gsec].\n');
    expect([existing.code, existing.stderr]).toEqual([1, expect.stringContaining('already exists')]);
  });

  it('is its project’s own, and readers see its name alone', async () => {
    const token = async (role: string, project: string) =>
      (await server.ok('token', 'create', '--role', role, '--project', project)).trim();
    const ask = async (secret: string, path: string, method = 'GET') => {
      const response = await fetch(`${server.url}/v1/projects/demo/secrets${path}`, {
        method,
        headers: { authorization: `Bearer ${secret}` },
      });
      return { status: response.status, text: await response.text() };
    };
    const [reader, writer, other] = await Promise.all([
      token('reader', 'demo'),
      token('writer', 'demo'),
      token('admin', 'shop'),
    ]);
    expect((await ask(reader, '')).text).toContain('projects/demo/secrets/token');
    expect((await ask(reader, '/token/versions/latest:access')).status).toBe(403);
    expect((await ask(reader, '/token', 'DELETE')).status).toBe(403);
    for (const path of ['', '/token', '/token/versions', '/token/versions/1:access', '/nothing'])
      expect([path, (await ask(other, path)).status]).toEqual([path, 403]);
    const { payload } = JSON.parse((await ask(writer, '/token/versions/latest:access')).text) as {
      payload: { data: string };
    };
    expect(Buffer.from(payload.data, 'base64').toString()).toBe(VALUE);
  });

  it('is in no log, no process, no file, no layer, no history and no answer of the build that used it', {
    timeout: 120_000,
  }, async () => {
    const folder = await server.source('shop', { Dockerfile: DOCKERFILE, 'cloudbuild.yaml': CONFIG });
    const id = await server.submitAsync(folder, '--config', join(folder, 'cloudbuild.yaml'));
    await expect
      .poll(async () => (await server.cli(['builds', 'log', id])).stdout, { timeout: 60_000, interval: 300 })
      .toContain('the step has begun');
    expect(await processesThatShow()).toEqual([]);
    expect(await filesThatHold(server.data)).toEqual([]);

    const { code } = await server.cli(['builds', 'log', id, '--follow']);
    const log = await server.ok('builds', 'log', id);
    expect(code, log).toBe(0);
    expect(log).toContain('Step #1 - "use": whole ***\n');
    expect(log).toContain('Step #1 - "use": halves ***\n');
    expect(log).toContain('Step #1 - "use": to the other stream: ***\n');
    expect(log).toMatch(/Step #1 - "use": \*\*\*.{0,3}\n/);

    const archive = join(server.folder, 'image.tar');
    await server.ok('pull', IMAGE);
    const [described, history, operations] = await Promise.all([
      server.ok('builds', 'describe', id),
      server.ok('history', IMAGE, '--all', '--no-trunc', '--json'),
      server.ok('builds', 'list', '--json'),
      server.ok('save', '-o', archive, '--format', 'oci', IMAGE),
    ]);
    const said = [log, described, history, operations, await server.log()].join('\n');
    for (const shape of SHAPES) expect(said).not.toContain(shape);
    const digest = (JSON.parse(described) as EndedBuild).results?.images?.[0]?.digest;
    const referrers = (await server.get(`/v2/demo/shop/api/referrers/${digest}`)) as { manifests: unknown[] };
    expect(referrers.manifests).toHaveLength(1);
    await runOk('tar', ['-xf', archive, '-C', await server.source('image', { none: '' })]);
    expect(await blobsThatHold(join(server.folder, 'image', 'blobs', 'sha256'))).toEqual([]);
    expect(await filesThatHold(server.data)).toEqual([]);
    expect(await server.ok('secret', 'audit', 'token', '--json')).toContain(`"actor": "build:${id}"`);
  });

  it('comes back from a backup, and the doctor tells when its key is lost', { timeout: 120_000 }, async () => {
    const [backup, restored] = [join(server.folder, 'backup'), join(server.folder, 'restored')];
    await server.ok('backup', backup);
    expect((await server.cli(['--data', restored, 'restore', backup])).code).toBe(0);
    expect((await server.cli(['--data', restored, 'secret', 'get', 'token'])).stdout).toBe(VALUE);
    await writeFile(join(restored, 'secrets-key'), `${'0'.repeat(64)}\n`);
    const { stdout } = await server.cli(['--data', restored, 'doctor', '--quick']);
    expect(stdout).toContain('projects/demo/secrets/token/versions/1');
  });
});

/** Command lines of all processes; environments of those of this machine's own, where helpers of ours are and no step is. */
async function processesThatShow(): Promise<string[]> {
  const found: string[] = [];
  const ours = await readlink('/proc/self/ns/pid');
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
    const isOurs = (await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) === ours;
    const text = (await read('cmdline')) + (isOurs ? await read('environ') : '');
    if (text.includes(VALUE)) found.push(`${pid}: ${(await read('cmdline')).replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Files of this file system alone: what lies in memory is no disk. */
async function filesThatHold(folder: string): Promise<string[]> {
  const patterns = SHAPES.flatMap((shape) => ['-e', shape]);
  const { stdout } = await runOk('sh', [
    '-c',
    'find "$0" -xdev -type f -exec grep -laF "$@" {} + || true',
    folder,
    ...patterns,
  ]);
  return stdout.split('\n').filter(Boolean);
}

async function blobsThatHold(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    if (SHAPES.some((shape) => plain.includes(shape))) found.push(name);
  }
  return found;
}
