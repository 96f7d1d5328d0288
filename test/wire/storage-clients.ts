import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunResult, run } from '../../src/lib/run.ts';
import type { StorageServer } from './storage-server.ts';

/** Whether a program is on the PATH. */
export function installed(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

export interface Clients {
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Runs a program in the folder; its whole output is in the error when it fails. */
  ok(program: string, ...args: string[]): Promise<RunResult>;
  close(): Promise<void>;
}

/**
 * The set-up that `slipway env` prints: a configuration folder of its own, a service account of ours, gcloud's proxy
 * properties and our authority. No endpoint override: everything goes to Google's names, which are we.
 */
export async function clientsOf(server: StorageServer, project: string): Promise<Clients> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-clients-'));
  const [address = '', port = ''] = server.host.split(':');
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: folder,
    CLOUDSDK_CONFIG: join(folder, 'gcloud'),
    CLOUDSDK_CORE_PROJECT: project,
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
    CLOUDSDK_PROXY_TYPE: 'http',
    CLOUDSDK_PROXY_ADDRESS: address,
    CLOUDSDK_PROXY_PORT: port,
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: server.folder.ca,
  };
  const ok = async (program: string, ...args: string[]): Promise<RunResult> => {
    const result = await run(program, args, { cwd: folder, env, timeout: 120_000 });
    if (result.code !== 0)
      throw new Error(`${program} ${args.join(' ')}: exit ${result.code}\n${result.stdout}\n${result.stderr}`);
    return result;
  };
  const { key } = await server.accounts.create({
    note: 'test',
    project,
    grants: [{ role: 'writer', project }],
    tokenUri: `${server.url}/oauth2/token`,
  });
  await writeFile(join(folder, 'key.json'), JSON.stringify(key), { mode: 0o600 });
  await ok('gcloud', 'auth', 'activate-service-account', '--key-file', 'key.json');
  return { folder, env, ok, close: () => rm(folder, { recursive: true, force: true }) };
}
