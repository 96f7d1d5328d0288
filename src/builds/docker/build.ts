import { posix } from 'node:path';
import type { Network } from '../../containers/container.ts';
import type { BuiltImage } from '../../engine/engine.ts';
import { withoutLastLines } from '../../engine/last-lines.ts';
import { PlainProgress } from '../../engine/progress/plain.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';
import { type Platform, parsePlatform } from '../../images/platform.ts';
import { familiarName, fullName, parseReference, withDefaultTag } from '../../images/reference.ts';
import { once } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { withStepCaches } from './build-caches.ts';
import { checkInStep } from './build-check.ts';
import { type StepContexts, withStepContexts } from './build-contexts.ts';
import { stepOutputs, stepProvenance, withStepOutputs } from './build-outputs.ts';
import { stepEntitlement, stepSecrets, withStepAgents } from './build-secrets.ts';
import type { DockerCommand, DockerSession } from './command.ts';
import type { Flags } from './flags.ts';
import { runSettings } from './run-settings.ts';

/** Flags that tune a daemon which isn't there; a build is the same without them. */
const WITHOUT_EFFECT = ['builder', 'cgroup-parent', 'cpuset-mems', 'isolation', 'progress'];
const SWITCHES_WITHOUT_EFFECT = ['compress', 'disable-content-trust', 'force-rm', 'load', 'rm'];
/** Flags without which the result would be another one than was asked for. */
const REFUSED = ['annotation', 'security-opt'];
const LIMITS = ['cpu-period', 'cpu-quota', 'cpuset-cpus', 'memory-swap', 'shm-size'];

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
    { name: 'sbom', takes: 'value' },
    { name: 'attest', takes: 'list' },
    { name: 'call', takes: 'value' },
    { name: 'check', takes: 'switch' },
    { name: 'debug', short: 'D', takes: 'switch' },
    { name: 'metadata-file', takes: 'value' },
    { name: 'add-host', takes: 'list' },
    { name: 'ulimit', takes: 'list' },
    { name: 'no-cache', takes: 'switch' },
    { name: 'pull', takes: 'switch' },
    { name: 'quiet', short: 'q', takes: 'switch' },
    { name: 'iidfile', takes: 'value' },
    { name: 'push', takes: 'switch' },
    { name: 'squash', takes: 'switch' },
    { name: 'cpu-shares', short: 'c', takes: 'value' },
    { name: 'memory', short: 'm', takes: 'value' },
    ...[...LIMITS, ...WITHOUT_EFFECT].map((name) => ({ name, takes: 'value' as const })),
    ...SWITCHES_WITHOUT_EFFECT.map((name) => ({ name, takes: 'switch' as const })),
    ...REFUSED.map((name) => ({ name, takes: 'list' as const })),
  ],
  args: { min: 1, max: 1 },
  async run(flags, docker) {
    refuse(flags);
    const withContexts = <T>(use: (contexts: StepContexts) => Promise<T>) =>
      withStepContexts(flags.args[0] ?? '', flags.one('file'), flags.all('build-context'), docker, use);
    if (flags.on('check') || flags.one('call') === 'check')
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
    const request = requestOf(flags, tags, docker);
    const { images } = await withStepAgents(flags.all('ssh'), docker, (ssh) =>
      withStepCaches(flags, docker, (caches) =>
        withStepOutputs(asked, docker, (outputs) =>
          withContexts((contexts) =>
            docker.engine.build(
              {
                ...request,
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
    await writeResult(flags.one('iidfile'), id, docker);
    await writeResult(flags.one('metadata-file'), metadata(images, tags), docker);
    if (flags.on('push') || asked.push)
      for (const tag of tags)
        await docker.engine.push(familiarName(withDefaultTag(parseReference(tag))), docker.caller);
    return 0;
  },
};

/** @throws Problem `unsupported` for what would be left out of the image */
function refuse(flags: Flags): void {
  const asked = [...REFUSED, 'sbom', 'squash'].find((name) => flags.has(name) && flags.one(name) !== 'false');
  if (asked !== undefined)
    throw new Problem('unsupported', `--${asked} is not supported by this server's docker builder`);
  const call = flags.one('call') ?? 'build';
  if (!['build', 'check'].includes(call))
    throw new Problem('unsupported', `--call ${call} is not supported by this server's docker builder`, {
      hint: 'It takes build and check.',
    });
}

/** `--attest type=provenance,mode=max` is `--provenance mode=max`. @throws Problem `unsupported` for any other */
function provenanceOf(attestations: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const text of attestations) {
    const fields = text.split(',');
    if (fields.includes('disabled=true') || fields.includes('disabled')) continue;
    if (!fields.includes('type=provenance'))
      throw new Problem('unsupported', `--attest ${text} is not supported by this server's docker builder`, {
        hint: 'It makes provenance: --attest type=provenance,mode=max.',
      });
    found = fields.find((field) => field.startsWith('mode=')) ?? 'true';
  }
  return found;
}

function onePlatform(text: string): Platform {
  if (text.includes(','))
    throw new Problem('unsupported', `--platform ${text}: one step builds for one platform`, {
      hint: 'Write a step for each platform, with a tag of its own.',
    });
  return parsePlatform(text);
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
    platform: platform === undefined || platform === '' ? undefined : onePlatform(platform),
    noCacheFilter: flags.all('no-cache-filter').flatMap((list) => list.split(',')),
    noCache: flags.on('no-cache'),
    pull: flags.on('pull'),
    network: networkOf(flags.one('network') ?? 'default', docker),
    run: runSettings(flags),
    allow: flags.all('allow').map(stepEntitlement),
    provenance: stepProvenance(flags.one('provenance') ?? provenanceOf(flags.all('attest'))),
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

async function writeResult(path: string | undefined, text: string, docker: DockerSession): Promise<void> {
  if (path !== undefined) await docker.files.replace(posix.resolve(docker.cwd, path), once(Buffer.from(text)));
}

/** As much of buildx's --metadata-file as files read. */
function metadata(images: readonly BuiltImage[], tags: readonly string[]): string {
  const image = images[0]?.image;
  return `${JSON.stringify(
    {
      'containerimage.config.digest': image?.id,
      'containerimage.descriptor': image?.target,
      'containerimage.digest': image?.target.digest,
      ...(tags.length === 0 ? {} : { 'image.name': tags.map(fullName).join(',') }),
    },
    null,
    2,
  )}\n`;
}
