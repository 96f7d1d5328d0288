// The local registry that plays Docker Hub: Debian's docker-registry on loopback, filled with the base images.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cacheFolder, makeBases } from './make.mjs';

/**
 * Makes the bases if need be and serves them. One registry per cache folder: a running one is used again. It runs on its
 * own until `stopUpstream`, because builds that are submitted later pull from it.
 * @returns {Promise<{url: string, digests: Record<string, string>, pid: number}>} digests by `name:tag`
 */
export async function startUpstream(say = () => undefined) {
  const images = await makeBases(say);
  const folder = join(cacheFolder(), 'upstream');
  mkdirSync(folder, { recursive: true });
  const running = readState(folder);
  const state = running !== undefined && (await answers(running.url)) ? running : await start(folder);
  const digests = {};
  for (const { name, tags, layout } of images) {
    const digest = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests[0].digest;
    for (const tag of tags) {
      if ((await digestOf(state.url, name, tag)) !== digest)
        await run('skopeo', [
          'copy',
          '--all',
          '--quiet',
          '--preserve-digests',
          '--dest-tls-verify=false',
          `oci:${layout}:latest`,
          `docker://${new URL(state.url).host}/library/${name}:${tag}`,
        ]);
      digests[`${name}:${tag}`] = digest;
    }
  }
  return { ...state, digests };
}

/** Ends the registry of this cache folder, if one runs. */
export function stopUpstream() {
  const folder = join(cacheFolder(), 'upstream');
  const state = readState(folder);
  if (state === undefined) return;
  try {
    process.kill(state.pid, 'SIGTERM');
  } catch {
    // it had ended already
  }
}

function readState(folder) {
  const file = join(folder, 'state.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

async function start(folder) {
  // the same port as last time, if it is free: servers that were seeded then have it in their slipway.yaml
  const port = (await freePort(Number(new URL(readState(folder)?.url ?? 'http://x:0').port))) ?? (await freePort(0));
  const config = join(folder, 'config.yml');
  const settings = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, secret: createHash('sha256').update(folder).digest('hex') },
  };
  writeFileSync(config, JSON.stringify(settings));
  const log = openSync(join(folder, 'registry.log'), 'a');
  const child = spawn('docker-registry', ['serve', config], { detached: true, stdio: ['ignore', log, log] });
  const failed = new Promise((_, reject) => child.once('error', reject));
  child.unref();
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([failed, waitFor(url)]);
  const state = { url, pid: child.pid };
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
  return state;
}

async function waitFor(url) {
  for (let tries = 0; tries < 100; tries++) {
    if (await answers(url)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`docker-registry does not answer at ${url}`);
}

async function answers(url) {
  try {
    return (await fetch(`${url}/v2/`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

async function digestOf(url, name, tag) {
  const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
  const answer = await fetch(`${url}/v2/library/${name}/manifests/${tag}`, { method: 'HEAD', headers: { accept } });
  return answer.headers.get('docker-content-digest');
}

/** The port if it can be listened on, undefined otherwise; 0 means any. */
function freePort(wanted) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let tail = '';
    child.stderr.on('data', (chunk) => (tail = (tail + chunk).slice(-2000)));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${tail}`)),
    );
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  if (process.argv[2] === 'stop') stopUpstream();
  else
    process.stdout.write(
      `${JSON.stringify(await startUpstream((text) => process.stderr.write(`${text}\n`)), null, 2)}\n`,
    );
}
