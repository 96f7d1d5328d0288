import { posix } from 'node:path';
import type { Network } from '../../containers/container.ts';
import { withoutLastLines } from '../../engine/last-lines.ts';
import { PlainProgress } from '../../engine/progress/plain.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';
import { parsePlatform } from '../../images/platform.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { missingDockerfile } from '../missing-dockerfile.ts';
import { withStepCaches } from './build-caches.ts';
import { checkInStep } from './build-check.ts';
import { stepOutputs, stepProvenance, withStepOutputs } from './build-outputs.ts';
import { stepEntitlement, stepSecrets, withStepAgents } from './build-secrets.ts';
import type { DockerCommand, DockerSession } from './command.ts';
import type { Flags } from './flags.ts';

/** Longest Dockerfile read from outside the context. */
const DOCKERFILE_LIMIT = 4 << 20;

/** Flags that tune a daemon which isn't there; a build is the same without them. */
const WITHOUT_EFFECT = [
  'cgroup-parent',
  'cpu-period',
  'cpu-quota',
  'cpuset-cpus',
  'cpuset-mems',
  'isolation',
  'memory-swap',
  'progress',
  'sbom',
  'shm-size',
  'ulimit',
];
const SWITCHES_WITHOUT_EFFECT = ['compress', 'disable-content-trust', 'force-rm', 'load', 'rm'];
/** Flags without which the result would be another one than was asked for. */
const REFUSED = ['add-host', 'build-context', 'security-opt'];

export const build: DockerCommand = {
  name: 'build',
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Build an image from a Dockerfile',
  flags: [
    { name: 'tag', short: 't', takes: 'list' },
    { name: 'file', short: 'f', takes: 'value' },
    { name: 'build-arg', takes: 'list' },
    { name: 'label', takes: 'list' },
    { name: 'cache-from', takes: 'list' },
    { name: 'cache-to', takes: 'list' },
    { name: 'no-cache-filter', takes: 'list' },
    { name: 'target', takes: 'value' },
    { name: 'platform', takes: 'value' },
    { name: 'network', takes: 'value' },
    { name: 'secret', takes: 'list' },
    { name: 'ssh', takes: 'list' },
    { name: 'allow', takes: 'list' },
    { name: 'output', short: 'o', takes: 'list' },
    { name: 'provenance', takes: 'value' },
    { name: 'check', takes: 'switch' },
    { name: 'no-cache', takes: 'switch' },
    { name: 'pull', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'iidfile', takes: 'value' },
    { name: 'push', takes: 'switch' },
    { name: 'squash', takes: 'switch' },
    { name: 'cpu-shares', short: 'c', takes: 'value' },
    { name: 'memory', short: 'm', takes: 'value' },
    ...WITHOUT_EFFECT.map((name) => ({ name, takes: 'list' as const })),
    ...SWITCHES_WITHOUT_EFFECT.map((name) => ({ name, takes: 'switch' as const })),
    ...REFUSED.map((name) => ({ name, takes: 'list' as const })),
  ],
  args: { min: 1, max: 1 },
  async run(flags, docker) {
    for (const name of [...REFUSED, 'squash'])
      if (flags.has(name))
        throw new Problem('unsupported', `--${name} is not supported by this server's docker builder`);
    const context = contextPath(flags.args[0] ?? '', docker);
    if ((await docker.files.stat(context))?.kind !== 'folder')
      throw new Problem('not-found', `unable to prepare context: path ${JSON.stringify(flags.args[0])} not found`);
    const dockerfile = await findDockerfile(flags.one('file'), context, docker);
    if (flags.on('check'))
      return await docker.files.pinned(context, (pinned) =>
        checkInStep(
          { ...requestOf(flags, [], docker), cacheFrom: [], context: { kind: 'folder', path: pinned }, dockerfile },
          docker,
        ),
      );
    const quiet = flags.on('quiet');
    const progress = new PlainProgress((text) => docker.output.stderr(text));
    const secrets = await stepSecrets(flags.all('secret'), docker);
    const asked = stepOutputs(flags.all('output'), docker);
    const tags = [...flags.all('tag'), ...asked.names];
    const { images } = await withStepAgents(flags.all('ssh'), docker, (ssh) =>
      withStepCaches(flags, docker, (caches) =>
        withStepOutputs(asked, docker, (outputs) =>
          docker.files.pinned(context, async (pinned) =>
            docker.engine.build(
              {
                ...requestOf(flags, tags, docker),
                ...caches,
                context: { kind: 'folder', path: pinned },
                dockerfile,
                secret: async (id) => secrets.get(id),
                ssh,
                outputs,
                onEvent: quiet ? () => undefined : progress.listen,
              },
              docker.caller,
            ),
          ),
        ),
      ),
    )
      .catch((error: unknown) => {
        throw quiet ? error : withoutLastLines(error);
      })
      .finally(() => progress.finish());
    const id = images[0]?.image.id ?? '';
    if (quiet) docker.out(id);
    await writeImageId(flags.one('iidfile'), id, docker);
    if (flags.on('push') || asked.push)
      for (const tag of tags)
        await docker.engine.push(familiarName(withDefaultTag(parseReference(tag))), docker.caller);
    return 0;
  },
};

function contextPath(argument: string, docker: DockerSession): string {
  if (argument === '-')
    throw new Problem('unsupported', 'a build step has no standard input, so the context cannot be -', {
      hint: 'Name a folder of the workspace, for example a dot.',
    });
  if (/^(https?|git|ssh):\/\/|^git@|^github\.com\//.test(argument))
    throw new Problem(
      'unsupported',
      `the context ${argument} would have to be fetched; name a folder of the workspace`,
    );
  return posix.resolve(docker.cwd, argument);
}

/** Below the context it is a path; elsewhere (docker allows that) it is read here. */
async function findDockerfile(
  file: string | undefined,
  context: string,
  docker: DockerSession,
): Promise<ImageBuildRequest['dockerfile']> {
  if (file === '-') throw new Problem('unsupported', 'a build step has no standard input, so --file cannot be -');
  const path = file === undefined ? posix.join(context, 'Dockerfile') : posix.resolve(docker.cwd, file);
  const stat = await docker.files.stat(path);
  if (stat === undefined) throw await missingDockerfile(path, docker.files);
  if (stat.kind === 'folder') throw new Problem('invalid', `failed to read dockerfile: ${path} is a directory`);
  const relative = posix.relative(context, path);
  if (!relative.startsWith('../')) return { path: relative };
  return { text: (await docker.files.readSmall(path, DOCKERFILE_LIMIT)).toString('utf8'), name: file ?? path };
}

function requestOf(
  flags: Flags,
  tags: readonly string[],
  docker: DockerSession,
): Omit<ImageBuildRequest, 'context' | 'dockerfile' | 'cacheFrom' | 'onEvent'> {
  const platform = flags.one('platform');
  return {
    buildArgs: withSourceDate(pairs(flags.all('build-arg'), docker.env), docker.env),
    labels: pairs(flags.all('label'), {}, ''),
    targets: [
      {
        stage: flags.one('target') || undefined,
        tags: tags.map((tag) => familiarName(withDefaultTag(parseReference(tag)))),
      },
    ],
    platform: platform === undefined ? undefined : parsePlatform(platform),
    noCacheFilter: flags.all('no-cache-filter').flatMap((list) => list.split(',')),
    noCache: flags.on('no-cache'),
    pull: flags.on('pull'),
    network: networkOf(flags.one('network') ?? 'default', docker),
    allow: flags.all('allow').map(stepEntitlement),
    provenance: stepProvenance(flags.one('provenance')),
  };
}

/** As buildx: the date of a reproducible build comes from the environment too. */
function withSourceDate(
  buildArgs: Record<string, string>,
  { SOURCE_DATE_EPOCH: date }: Readonly<Record<string, string>>,
): Record<string, string> {
  return date === undefined ? buildArgs : { SOURCE_DATE_EPOCH: date, ...buildArgs };
}

/** `K=V`; a name alone takes its value from the step's environment, or `missing`, or is left out. */
function pairs(list: string[], env: Readonly<Record<string, string>>, missing?: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const pair of list) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? (env[key] ?? missing) : pair.slice(equals + 1);
    if (value !== undefined) result[key] = value;
  }
  return result;
}

function networkOf(name: string, docker: DockerSession): Network {
  if (name === 'none') return { kind: 'none' };
  if (name === 'default' || name === 'bridge' || name === 'cloudbuild') return docker.network;
  if (name === 'host' && docker.allowHostNetwork) return { kind: 'host' };
  if (name === 'host')
    throw new Problem('denied', '--network=host is not allowed on this server', {
      hint: 'It reaches every service of this machine. Its owner can allow it: builds.allowHostNetwork in slipway.yaml.',
    });
  throw new Problem('not-found', `network ${name} not found`, {
    hint: 'Networks: cloudbuild (the default), none, host.',
  });
}

async function writeImageId(path: string | undefined, id: string, docker: DockerSession): Promise<void> {
  if (path === undefined) return;
  const stream = await docker.files.write(posix.resolve(docker.cwd, path));
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.end(id, resolve);
  });
}
