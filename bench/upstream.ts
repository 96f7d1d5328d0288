import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runOk } from '../src/lib/run.ts';
import { httpAnswers, startDaemon } from './contenders/daemon.ts';

export interface Upstream {
  /** HOST:PORT; loopback, so that every client speaks plain http to it unasked. */
  host: string;
  /** Image names by digest. */
  python: string;
  busybox: string;
  stop(): Promise<void>;
}

/** A registry of the benchmark's own, which plays Docker Hub; it holds two of the base images that demo and tests use. */
export async function startUpstream(folder: string): Promise<Upstream> {
  const made = await runOk(process.execPath, [join(import.meta.dirname, '../scripts/bases/make.mjs')]);
  // a line for each base: NAME:TAG, a tab, the folder of its OCI layout
  const layouts = new Map(made.stdout.split('\n').map((line) => [line.split(':')[0], line.split('\t')[1]]));
  const { host, stop } = await startRegistry(folder);
  const put = async (name: string) => {
    const layout = layouts.get(name) ?? '';
    const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
    const flags = ['copy', '--all', '--quiet', '--preserve-digests', '--dest-tls-verify=false'];
    await runOk('skopeo', [...flags, `oci:${layout}:latest`, `docker://${host}/library/${name}:latest`]);
    return `${host}/library/${name}@${index.manifests[0]?.digest}`;
  };
  try {
    return { host, python: await put('python'), busybox: await put('busybox'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An empty registry of its own; nothing of another one is in its store. */
export async function startRegistry(folder: string): Promise<{ host: string; stop(): Promise<void> }> {
  const { config, host } = await registryConfig(folder);
  const { stop } = await startDaemon(['docker-registry', 'serve', config], join(folder, 'log'), async () =>
    (await httpAnswers(`http://${host}/v2/`)) ? host : undefined,
  );
  return { host, stop };
}

/** Writes what distribution starts with into a new folder, which is then its store. */
export async function registryConfig(folder: string): Promise<{ config: string; host: string }> {
  const host = `127.0.0.1:${await freePort()}`;
  await mkdir(folder);
  const config = join(folder, 'config.json');
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: host, secret: 'bench' },
    }),
  );
  return { config, host };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
