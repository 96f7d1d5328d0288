import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../lib/durable-file.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { run } from '../../lib/run.ts';
import type { CliContext } from '../context.ts';

/**
 * Prints export lines for a shell. gcloud's configuration is a folder of ours, activated with a service-account key of
 * ours whose token_uri is this server: so gcloud and gsutil sign for our tokens, and a real Google token never travels
 * here. The proxy and the CA are for the hosts that gcloud has hard-coded (logs, gsutil, *-docker.pkg.dev).
 */
export async function env(context: CliContext, options: { project: string }): Promise<number> {
  const server = context.server();
  const status = await server.call('status', {});
  const folder = join(context.data.root, 'gcloud');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const url = new URL(status.url);
  const settings: Record<string, string> = {
    SLIPWAY_DATA: context.data.root,
    DOCKER_HOST: `unix://${status.dockerSocket}`,
    CLOUDSDK_CONFIG: folder,
    CLOUDSDK_CORE_PROJECT: options.project,
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: context.data.ca,
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
    CLOUDSDK_PROXY_TYPE: 'http',
    CLOUDSDK_PROXY_ADDRESS: url.hostname,
    CLOUDSDK_PROXY_PORT: url.port,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBUILD: `${status.url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${status.url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: `${status.url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `${status.url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS: `${status.url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE: `${status.url}/`,
    // through the proxy, also for gRPC, whose clients know no address without a certificate for a name
    CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: 'https://logging.googleapis.com/',
    // lets gcloud be the credential helper for our own address, which is none of Google's
    CLOUDSDK_ARTIFACTS_ALLOW_UNRECOGNIZED_REGISTRY: 'true',
  };
  await activateGcloud(context, folder, options.project, settings);
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  context.terminal.out(
    `${lines.join('')}# gcloud, gsutil, docker and slipway now use ${status.url}; your own set-up of gcloud and docker is untouched\n`,
  );
  return 0;
}

/** Once per data folder, project and gcloud configuration; without gcloud on this machine there is nothing to do. */
async function activateGcloud(
  context: CliContext,
  folder: string,
  project: string,
  settings: Record<string, string>,
): Promise<void> {
  const { email, key } = await context.server().call('serviceAccountKey', { project });
  const keyFile = join(folder, 'slipway-key.json');
  const active =
    existsSync(keyFile) && (await readFile(keyFile, 'utf8')) === key && existsSync(join(folder, 'credentials.db'));
  if (active) return;
  await writeDurably(keyFile, key, 0o600);
  try {
    const result = await run(
      'gcloud',
      ['auth', 'activate-service-account', email, `--key-file=${keyFile}`, '--quiet'],
      {
        env: { ...process.env, ...settings },
        timeout: 60_000,
      },
    );
    if (result.code !== 0)
      context.terminal.err(`# gcloud could not be activated: ${result.stderr.trim().split('\n').at(-1) ?? ''}\n`);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return;
    context.terminal.err(`# gcloud could not be activated: ${messageOf(error)}\n`);
  }
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
