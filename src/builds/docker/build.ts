import { posix } from 'node:path';
import type { Network } from '../../containers/container.ts';
import { withoutLastLines } from '../../engine/last-lines.ts';
import { PlainProgress } from '../../engine/progress/plain.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';
import { parsePlatform } from '../../images/platform.ts';
import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { withStepCaches } from './build-caches.ts';
import { checkInStep } from './build-check.ts';
import { type StepContexts, withStepContexts } from './build-contexts.ts';
import { stepOutputs, stepProvenance, withStepOutputs } from './build-outputs.ts';
import { stepEntitlement, stepSecrets, withStepAgents } from './build-secrets.ts';
import type { DockerCommand, DockerSession } from './command.ts';
import type { Flags } from './flags.ts';

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
  'shm-size',
  'ulimit',
];
const SWITCHES_WITHOUT_EFFECT = ['compress', 'disable-content-trust', 'force-rm', 'load', 'rm'];
/** Flags without which the result would be another one than was asked for. */
const REFUSED = ['add-host', 'sbom', 'security-opt'];

export const build: DockerCommand = {
  name: 'build',
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Build an image from a Dockerfile',
  flags: [
    { name: 'tag', short: 't', takes: 'list' },
    { name: 'file', short: 'f', takes: 'value' },
    { name: 'build-arg', takes: 'list' },
    { name: 'build-context', takes: 'list' },
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
      if (flags.has(name) && flags.one(name) !== 'false')
        throw new Problem('unsupported', `--${name} is not supported by this server's docker builder`);
    const withContexts = <T>(use: (contexts: StepContexts) => Promise<T>) =>
      withStepContexts(flags.args[0] ?? '', flags.one('file'), flags.all('build-context'), docker, use);
    if (flags.on('check'))
      return await withContexts((contexts) =>
        checkInStep({ ...requestOf(flags, [], docker), cacheFrom: [], ...contexts }, docker),
      );
    const quiet = flags.on('quiet');
    const progress = new PlainProgress((text) => docker.output.stderr(text), {
      warningsHint: 'docker build --check shows where',
    });
    const secrets = await stepSecrets(flags.all('secret'), docker);
    const asked = stepOutputs(flags.all('output'), docker);
    const tags = [...flags.all('tag'), ...asked.names];
    const { images } = await withStepAgents(flags.all('ssh'), docker, (ssh) =>
      withStepCaches(flags, docker, (caches) =>
        withStepOutputs(asked, docker, (outputs) =>
          withContexts((contexts) =>
            docker.engine.build(
              {
                ...requestOf(flags, tags, docker),
                ...caches,
                ...contexts,
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
