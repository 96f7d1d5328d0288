import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { type PlatformImage, platformImage, writePlatformLayout } from './platform-image.ts';
import { missingPrograms } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';
import { TestServer } from './server.ts';

const missing = await missingPrograms('gcloud', 'skopeo');

describe.skipIf(missing.length > 0)(`gcloud${missing.map((name) => `: no ${name}`).join('')}`, () => {
  let folder: string;
  let server: RegistryServer;
  let env: NodeJS.ProcessEnv;
  const gcloud = async (...args: string[]) => (await runOk('gcloud', args, { env })).stdout.trim();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-gcloud-'));
    server = await startRegistryServer();
    env = {
      ...process.env,
      CLOUDSDK_CONFIG: join(folder, 'config'),
      CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
    };
    for (const name of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']) delete env[name];
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('unmodified, signs with a key file of ours and gets a token that logs in to the registry', async () => {
    const { key, info } = await server.accounts.create({
      note: 'gcloud',
      project: 'p',
      grants: [{ role: 'writer', project: 'p' }],
      tokenUri: `${server.url}/oauth2/token`,
    });
    const file = join(folder, 'key.json');
    await writeFile(file, JSON.stringify(key), { mode: 0o600 });
    await gcloud('auth', 'activate-service-account', '--key-file', file, '--quiet');
    const token = await gcloud('auth', 'print-access-token');
    expect(await server.tokens.verify(token)).toMatchObject({ kind: 'token', name: info.id });
    await runOk(
      'skopeo',
      [
        ...['login', '--tls-verify=false', '--authfile', join(folder, 'auth.json')],
        ...['-u', 'oauth2accesstoken', '--password-stdin', server.host],
      ],
      { input: token },
    );
    await server.tokens.revoke(info.id);
    expect(await server.tokens.verify(token)).toBeUndefined();
  });
});

describe.skipIf(missing.length > 0)(
  `gcloud as credential helper${missing.map((name) => `: no ${name}`).join('')}`,
  () => {
    let server: TestServer;
    let multi: PlatformImage;
    let config: string;
    const GOOGLE = 'europe-central2-docker.pkg.dev';

    beforeAll(async () => {
      server = await TestServer.start();
      multi = await platformImage('for gcloud');
      await writePlatformLayout(join(server.folder, 'multi'), multi);
      config = join(server.folder, 'docker');
      const hosts = `${GOOGLE},${server.host}`;
      await server.clientOk('gcloud', ['auth', 'configure-docker', hosts, '--quiet'], {
        env: { DOCKER_CONFIG: config },
      });
    });
    afterAll(() => server?.close());

    const skopeo = (env: Record<string, string>, ...args: string[]) =>
      server.clientOk('skopeo', ['--insecure-policy', ...args], { env });
    const authfile = () => `--authfile=${join(config, 'config.json')}`;

    it('is set up for our own address and for names of Google by `slipway env` alone', async () => {
      const { credHelpers } = JSON.parse(await readFile(join(config, 'config.json'), 'utf8'));
      expect(credHelpers).toEqual({ [GOOGLE]: 'gcloud', [server.host]: 'gcloud' });
      const { stdout } = await server.clientOk('docker-credential-gcloud', ['get'], { input: server.host });
      const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
      expect(Username).toBe('_dcgcloud_token');
      const basic = Buffer.from(`${Username}:${Secret}`).toString('base64');
      expect((await fetch(`${server.url}/v2/`, { headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
    });

    it('logs a client in that pushes an index, copies it to another repository, pulls it and deletes it', async () => {
      const to = [authfile(), '--dest-tls-verify=false'];
      const name = `docker://${server.host}/demo/images/multi`;
      const layout = `oci:${join(server.folder, 'multi')}:latest`;
      await skopeo({}, 'copy', '--all', '--preserve-digests', ...to, layout, `${name}:1`);
      await skopeo({}, 'copy', '--all', ...to, '--src-tls-verify=false', `${name}:1`, `${name}-mounted:1`);
      const raw = await skopeo({}, 'inspect', '--raw', authfile(), '--tls-verify=false', `${name}-mounted:1`);
      expect(raw.stdout).toBe(multi.index.bytes.toString('utf8'));
      await skopeo({}, 'delete', authfile(), '--tls-verify=false', `${name}-mounted:1`);
      const gone = await server.client('skopeo', ['inspect', authfile(), '--tls-verify=false', `${name}-mounted:1`]);
      expect(gone.stderr).toMatch(/manifest unknown|has no manifest/);
    });

    it('logs a client in by a name of Google, through the proxy', async () => {
      const env = { HTTPS_PROXY: server.url, SSL_CERT_FILE: join(server.data, 'ca.pem') };
      const name = `docker://${GOOGLE}/demo/images/by-google:1`;
      await skopeo(env, 'copy', '--all', authfile(), `oci:${join(server.folder, 'multi')}:latest`, name);
      const { stdout } = await skopeo(env, 'inspect', '--raw', authfile(), name);
      expect(stdout).toBe(multi.index.bytes.toString('utf8'));
    });
  },
);
