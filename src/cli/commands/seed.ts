import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isMap, parseDocument } from 'yaml';
import { formatBytes, formatDuration } from '../../lib/bytes.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { run, runOk } from '../../lib/run.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { IRIS_MODEL, MODEL_BUCKET, MODEL_OBJECT } from '../iris-model.ts';
import { projectOf } from '../project.ts';
import { seedBuilders } from './seed-builders.ts';

/** The example's bases: Dockerfile, upstream image whose digest it gets, and the name of our own copy. */
const BASES = [
  { folder: 'python', upstream: 'python:3.11-slim', name: 'python:3.11-slim-1.0.0' },
  { folder: 'postgres', upstream: 'postgres:15.4', name: 'postgres-base:15-1.0.0' },
  { folder: 'redis', upstream: 'redis:7.2', name: 'redis-base:7-1.0.0' },
] as const;

const REPOSITORY = 'europe-central2-docker.pkg.dev/demo/live-coding';

interface Upstream {
  url: string;
  digests: Record<string, string>;
}

/**
 * Fills the running server with what the example needs: the model in its bucket, a mirror that plays Docker Hub, the bases
 * under the team's own names. Works on a copy of the example, a git repository in the cache folder. Safe to repeat.
 */
export async function seed(context: CliContext, options: { builders?: boolean; project?: string }): Promise<number> {
  if (options.builders) return await seedBuilders(context, projectOf(options.project));
  const say = (what: string, detail: string, ms?: number) =>
    context.terminal.err(
      `${what.padEnd(15)} ${ms === undefined ? detail : `${detail.padEnd(56)} ${formatDuration(ms).padStart(6)}`}\n`,
    );
  await context.server().call('status', {});
  const upstream = await startUpstream(context);
  await writeMirror(context.data.config, upstream.url);
  say('upstream', `docker.io is mirrored by ${upstream.url}`);
  const size = await uploadModel(await apiClient(context));
  say('model', `gs://${MODEL_BUCKET}/${MODEL_OBJECT}   ${formatBytes(size)}`);
  const example = await copyExample(context, upstream.digests);
  for (const base of BASES) {
    const built = await context.server().call(
      'build',
      {
        context: { kind: 'folder', path: example },
        dockerfile: { path: `deploy/docker/${base.folder}/base/Dockerfile` },
        targets: [{ tags: [`${REPOSITORY}/${base.name}`] }],
        buildArgs: {},
        labels: {},
        cacheFrom: [],
        noCache: false,
        pull: false,
        push: true,
        network: 'none',
        project: 'demo',
        secrets: {},
        ssh: {},
        outputs: [],
      },
      undefined,
      context.signal,
    );
    const digest = built.images[0]?.image.target.digest ?? '';
    const same = digest === upstream.digests[base.upstream] ? 'same digest as upstream' : 'NOT the digest of upstream';
    const from = base.upstream.split(':', 1)[0] ?? '';
    say(`${base.folder}/base`, `FROM ${from}@${digest.slice(0, 15)}…`.padEnd(33) + same, built.ms);
  }
  context.terminal.out(`example ${example}\n`);
  return 0;
}

async function startUpstream(context: CliContext): Promise<Upstream> {
  const script = join(context.services.root, 'scripts/bases/upstream.mjs');
  const result = await runOk(process.execPath, [script], {
    signal: context.signal,
    onStderr: (chunk) => context.terminal.err(chunk.toString('utf8')),
  });
  return JSON.parse(result.stdout) as Upstream;
}

/** Keeps the comments and everything else of the file. The server reads `registries` again when the file changes. */
async function writeMirror(file: string, url: string): Promise<void> {
  const before = await readText(file);
  const document = parseDocument(before);
  if (document.contents !== null && !isMap(document.contents))
    throw new Problem('invalid', `${file} is no map of settings`, { hint: 'See docs/slipway-yaml.md.' });
  document.setIn(['registries', 'mirrors', 'docker.io'], [url]);
  const after = document.toString();
  if (after !== before) await writeDurably(file, after, 0o600);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}

async function uploadModel(api: ApiClient): Promise<number> {
  const bytes = Buffer.from(`${JSON.stringify(IRIS_MODEL, null, 2)}\n`);
  try {
    await api.json('GET', `/storage/v1/b/${MODEL_BUCKET}`);
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    await api.json('POST', '/storage/v1/b?project=demo', { name: MODEL_BUCKET });
  }
  const path = `/upload/storage/v1/b/${MODEL_BUCKET}/o?uploadType=media&name=${encodeURIComponent(MODEL_OBJECT)}`;
  await api.upload(path, 'application/json', Readable.from([bytes]), bytes.length);
  return bytes.length;
}

async function copyExample(context: CliContext, digests: Record<string, string>): Promise<string> {
  const cache =
    process.env['SLIPWAY_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'slipway');
  const example = join(cache, 'live-coding');
  await mkdir(example, { recursive: true });
  await cp(join(context.services.root, 'examples/live-coding'), example, { recursive: true });
  for (const base of BASES) {
    const file = join(example, `deploy/docker/${base.folder}/base/Dockerfile`);
    const digest = digests[base.upstream];
    if (digest === undefined) throw new Problem('failed', `the upstream registry has no ${base.upstream}`);
    await writeFile(file, (await readFile(file, 'utf8')).replace(/sha256:[0-9a-f]{64}/, digest));
  }
  const git = (...args: string[]) =>
    runOk('git', ['-C', example, '-c', 'user.name=Slipway', '-c', 'user.email=slipway@localhost', ...args]);
  await git('init', '--quiet');
  await git('add', '--all');
  const changed = (await run('git', ['-C', example, 'diff', '--cached', '--quiet'])).code !== 0;
  if (changed) await git('commit', '--quiet', '--message', 'The example, with the digests of this machine');
  return example;
}
