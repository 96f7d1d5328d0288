import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import { createRegistryClient } from '../../src/images/remote/client.ts';
import { runOk } from '../../src/lib/run.ts';
import { putCredentialHelper } from './credential-helper.ts';
import { platformImage, pushPlatformImage, writePlatformLayout } from './platform-image.ts';
import { type LayoutImage, missingPrograms, writeLayoutImage } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

const missing = await missingPrograms('skopeo');

describe.skipIf(missing.length > 0)(`skopeo${missing.length > 0 ? ': not installed' : ''}`, () => {
  let folder: string;
  let server: RegistryServer;
  let image: LayoutImage;
  let admin: string;
  const skopeo = async (...args: string[]) => (await runOk('skopeo', args)).stdout;
  const push = (to: string, creds: string) =>
    skopeo('copy', '--dest-tls-verify=false', '--dest-creds', creds, `oci:${image.layout}:latest`, `docker://${to}`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-skopeo-'));
    server = await startRegistryServer();
    image = await writeLayoutImage(join(folder, 'image'), 'hello from skopeo\n');
    admin = await server.token({ role: 'admin', project: 'p' });
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('pushes, inspects and pulls back the same bytes', async () => {
    const name = `${server.host}/p/r/api`;
    await push(`${name}:1`, `oauth2accesstoken:${admin}`);
    const creds = ['--tls-verify=false', '--creds', `anybody:${admin}`];
    const shown = JSON.parse(await skopeo('inspect', ...creds, `docker://${name}:1`));
    expect(shown).toMatchObject({ Digest: image.digest, RepoTags: ['1'], Env: ['PATH=/bin'] });
    const out = join(folder, 'out');
    await skopeo(
      'copy',
      '--src-tls-verify=false',
      '--src-creds',
      `x:${admin}`,
      `docker://${name}@${image.digest}`,
      `dir:${out}`,
    );
    expect(digestOf(await readFile(join(out, 'manifest.json')))).toBe(image.digest);
  });

  it('adds a tag and no version when the same content is pushed again, and sends no blob twice', async () => {
    const name = `${server.host}/p/r/again`;
    await push(`${name}:first`, `x:${admin}`);
    server.requests.length = 0;
    await push(`${name}:4f2c1e9`, `x:${admin}`);
    expect(server.requests.filter((line) => /^(POST|PATCH) /.test(line))).toEqual([]);
    const key = 'europe-central2/p/r/again';
    expect(await server.store.manifests(key, { limit: 10 })).toHaveLength(1);
    expect((await server.store.tags(key, { limit: 10 })).map((tag) => tag.name)).toEqual(['4f2c1e9', 'first']);
  });

  it('mounts from one repository into another', async () => {
    await push(`${server.host}/p/r/source:1`, `x:${admin}`);
    await skopeo(
      'copy',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      '--src-creds',
      `x:${admin}`,
      '--dest-creds',
      `x:${admin}`,
      `docker://${server.host}/p/r/source:1`,
      `docker://${server.host}/p/r2/target:1`,
    );
    expect((await server.store.manifest('europe-central2/p/r2/target', '1'))?.digest).toBe(image.digest);
  });

  it('copies an index with all platforms and attestations, and back, byte for byte', async () => {
    const multi = await platformImage('for skopeo');
    await writePlatformLayout(join(folder, 'multi'), multi);
    const name = `docker://${server.host}/p/r/multi:1`;
    const all = ['copy', '--all', '--preserve-digests'];
    const to = ['--dest-tls-verify=false', '--dest-creds', `x:${admin}`];
    await skopeo(...all, ...to, `oci:${join(folder, 'multi')}:latest`, name);
    expect((await server.store.manifest('europe-central2/p/r/multi', '1'))?.digest).toBe(multi.index.descriptor.digest);
    for (const { descriptor } of multi.manifests)
      expect(await server.store.manifest('europe-central2/p/r/multi', descriptor.digest)).toBeDefined();
    const from = ['--src-tls-verify=false', '--src-creds', `x:${admin}`];
    await skopeo(...all, ...from, name, `dir:${join(folder, 'multi-back')}`);
    const back = await readFile(join(folder, 'multi-back/manifest.json'));
    expect(back.equals(multi.index.bytes)).toBe(true);
  });

  it('syncs a repository to another: every tag, every platform, and mounts what is there', async () => {
    const multi = await platformImage('for sync');
    const client = createRegistryClient({ credentials: async () => ({ username: 'x', password: admin }) });
    try {
      await pushPlatformImage(client, server.host, 'p/r/synced', '1', multi);
      await pushPlatformImage(client, server.host, 'p/r/synced', '2', await platformImage('the next one'));
    } finally {
      client.close();
    }
    server.requests.length = 0;
    const creds = [`--src-creds=x:${admin}`, `--dest-creds=x:${admin}`];
    const flags = ['--all', '--src-tls-verify=false', '--dest-tls-verify=false', '--src=docker', '--dest=docker'];
    await skopeo('sync', ...flags, ...creds, `${server.host}/p/r/synced`, `${server.host}/p/mirror`);
    const tags = async (key: string) =>
      (await server.store.tags(key, { limit: 20 })).map(({ name, digest }) => [name, digest]);
    expect(await tags('europe-central2/p/mirror/synced')).toEqual(await tags('europe-central2/p/r/synced'));
    expect(await tags('europe-central2/p/mirror/synced')).toHaveLength(4);
    expect(server.requests.filter((line) => /POST .*mount=.* 201$/.test(line)).length).toBeGreaterThan(0);
  });

  it('logs in by our credential helper, which takes its token from a file', async () => {
    const helper = await putCredentialHelper(join(folder, 'helper'));
    const authfile = join(folder, 'helped.json');
    await writeFile(authfile, JSON.stringify({ credHelpers: { [server.host]: 'slipway' } }));
    await writeFile(join(folder, 'token'), `${admin}\n`);
    const env = {
      ...process.env,
      PATH: `${helper}:${process.env['PATH']}`,
      SLIPWAY_URL: server.url,
      SLIPWAY_TOKEN_FILE: join(folder, 'token'),
    };
    const target = `docker://${server.host}/p/r/helped:1`;
    const to = ['--dest-tls-verify=false', '--authfile', authfile];
    await runOk('skopeo', ['copy', ...to, `oci:${image.layout}:latest`, target], { env });
    expect((await server.store.manifest('europe-central2/p/r/helped', '1'))?.digest).toBe(image.digest);
    const other = { ...env, SLIPWAY_URL: 'http://127.0.0.1:1' };
    await expect(
      runOk('skopeo', ['inspect', '--tls-verify=false', '--authfile', authfile, target], { env: other }),
    ).rejects.toThrow(/unauthorized|authentication required|log in first|credentials/);
  });

  it('logs in with a service-account key file, whole and in base64', async () => {
    const { key } = await server.accounts.create({
      note: 'ci',
      project: 'p',
      grants: [{ role: 'writer', project: 'p' }],
      tokenUri: `${server.url}/oauth2/token`,
    });
    const authfile = join(folder, 'auth.json');
    const login = (user: string, password: string) =>
      runOk(
        'skopeo',
        ['login', '--tls-verify=false', '--authfile', authfile, '-u', user, '--password-stdin', server.host],
        {
          input: password,
        },
      );
    await login('_json_key', JSON.stringify(key));
    await login('_json_key_base64', Buffer.from(JSON.stringify(key)).toString('base64'));
    await expect(login('_json_key', JSON.stringify({ ...key, private_key_id: 'f'.repeat(40) }))).rejects.toThrow(
      /invalid username\/password|unauthorized/,
    );
    await skopeo(
      'copy',
      '--dest-tls-verify=false',
      '--authfile',
      authfile,
      `oci:${image.layout}:latest`,
      `docker://${server.host}/p/r/by-key:1`,
    );
  });

  it('is told what it may not do', async () => {
    const reader = await server.token({ role: 'reader', project: 'p' });
    await expect(push(`${server.host}/p/r/api:2`, `x:${reader}`)).rejects.toThrow(/is no writer of p\/r|denied/);
    await expect(push(`${server.host}/p/r/api:2`, 'x:slw_nonsense')).rejects.toThrow(
      /unauthorized|invalid username\/password/,
    );
    await expect(
      skopeo('inspect', '--tls-verify=false', '--no-creds', `docker://${server.host}/p/r/api:1`),
    ).rejects.toThrow(/unauthorized|authentication required|log in first/);
  });

  it('deletes', async () => {
    const name = `docker://${server.host}/p/r/gone:1`;
    await push(`${server.host}/p/r/gone:1`, `x:${admin}`);
    await skopeo('delete', '--tls-verify=false', '--creds', `x:${admin}`, name);
    await expect(skopeo('inspect', '--tls-verify=false', '--creds', `x:${admin}`, name)).rejects.toThrow(
      /manifest unknown|has no manifest/,
    );
  });
});
