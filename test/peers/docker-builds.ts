import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../../src/images/config.ts';
import { type BuildCase, withContext } from './build-case.ts';
import type { BuildAnswer } from './compare.ts';
import { readDockerArchive } from './docker-archive.ts';
import type { CommandResult, DockerDaemon } from './docker-daemon.ts';
import { type FlatImage, flattenImage } from './flat-image.ts';
import type { BaseLayers } from './our-builds.ts';

export type DockerBuilder = 'buildkit' | 'classic';

let builds = 0;

/** There is one image `parent` at a time; builds without one run beside each other. */
let parentFree: Promise<void> = Promise.resolve();

async function parentTurn(): Promise<() => void> {
  let leave = () => {};
  const before = parentFree;
  parentFree = new Promise((resolve) => {
    leave = resolve;
  });
  await before;
  return leave;
}

/** Builds a case by one of docker's two builders and reads the image back from `docker save`. */
export async function buildByDocker(
  daemon: DockerDaemon,
  builder: DockerBuilder,
  each: BuildCase,
  base: BaseLayers,
): Promise<BuildAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-peer-docker-'));
  const tag = `case${++builds}`;
  const leave = each.parent === undefined ? () => {} : await parentTurn();
  try {
    if (each.parent !== undefined) {
      const file = join(each.folder, 'parent.Dockerfile');
      const parent = await build(daemon, builder, each, ['--tag', 'parent', '--file', file]);
      if (parent.exitCode !== 0) return failure(parent, builder);
    }
    const built = await build(daemon, builder, each, ['--tag', tag, ...flags(each)]);
    if (built.exitCode !== 0) return failure(built, builder);
    const path = join(folder, 'image.tar');
    const saved = await daemon.docker(['save', '--output', path, tag]);
    if (saved.stderr.includes('empty export')) return { image: await withoutLayers(daemon, tag) };
    if (saved.exitCode !== 0) throw new Error(saved.stderr);
    const { config, layers } = await readDockerArchive(path);
    return { image: flattenImage(config, layers, base) };
  } finally {
    await daemon.docker(['image', 'rm', '--force', tag, ...(each.parent === undefined ? [] : ['parent'])]);
    leave();
    await rm(folder, { recursive: true });
  }
}

/** Docker 20.10 saves no image without layers, but it tells of one. */
async function withoutLayers(daemon: DockerDaemon, tag: string): Promise<FlatImage> {
  const [image] = JSON.parse((await daemon.docker(['image', 'inspect', tag])).stdout) as [
    { Config: RunConfig; Author: string },
  ];
  const history = await daemon.docker(['history', '--no-trunc', '--format', '{{.CreatedBy}}', tag]);
  const config = { config: image.Config, author: image.Author, rootfs: { type: 'layers' as const, diff_ids: [] } };
  const lines = history.stdout.split('\n').filter((line) => line !== '');
  const entries = lines.reverse().map((line) => ({ created_by: line }));
  return flattenImage({ architecture: '', os: '', ...config, history: entries }, [], { diffIDs: [], layers: [] });
}

function flags({ args, file, folder, equivalent }: BuildCase): string[] {
  const { buildArgs = {}, labels = {}, target } = args;
  return [
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...(target === undefined ? [] : ['--target', target]),
    ...(args.file === undefined ? [] : ['--file', `CONTEXT/${file}`]),
    ...(equivalent === undefined ? [] : ['--file', join(folder, 'equivalent.Dockerfile')]),
  ];
}

async function build(
  daemon: DockerDaemon,
  builder: DockerBuilder,
  each: BuildCase,
  more: readonly string[],
): Promise<CommandResult> {
  return await withContext(each, async (context) => {
    const args = more.map((word) => word.replace(/^CONTEXT\//, `${context}/`));
    return await daemon.docker(
      ['build', '--network=none', ...(builder === 'buildkit' ? ['--progress=plain'] : []), ...args, context],
      { DOCKER_BUILDKIT: builder === 'buildkit' ? '1' : '0' },
    );
  });
}

/** Later clients say it before every classic build. */
const NOTICE =
  /^DEPRECATED: The legacy builder|^ {6,}(?:BuildKit is currently disabled|environment-variable|Install the buildx|https:)/;

/**
 * What a build failed by, without what is different every time: the last line of BuildKit's, and the first of the classic
 * builder's, which prints nothing else there.
 */
function failure({ exitCode, stderr }: CommandResult, builder: DockerBuilder): BuildAnswer {
  if (stderr.includes('Cannot connect to the Docker daemon')) throw new Error(`dockerd is gone: ${stderr}`);
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !NOTICE.test(line));
  const error = (lines.at(builder === 'classic' ? 0 : -1) ?? '')
    .replace(/\/\S+\/overlay2\/[a-z0-9]+\/merged/g, '')
    .replace(/\b[a-z0-9]{25}(?:::[a-z0-9]{25})?\b/g, 'ID')
    .replace(/ on [\d.]+:\d+: no such host/, ': no such host');
  return { error, exitCode };
}
