import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { missingPrograms } from './registry-image.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';

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
