import { posix } from 'node:path';
import type { ImageBuildRequest } from '../../engine/request.ts';
import { parsePlatform } from '../../images/platform.ts';
import { familiarName, parseReference, type Reference, withDefaultTag } from '../../images/reference.ts';
import { once } from '../../lib/bytes.ts';
import { messageOf, Problem, renderProblem } from '../../lib/problem.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { NativeBuilder, NativeContext } from '../builders/native-builder.ts';
import { withStepContexts } from '../docker/build-contexts.ts';
import { stepSecrets } from '../docker/build-secrets.ts';
import type { DockerSession } from '../docker/command.ts';
import { FlagError, type Flags, parseFlags } from '../docker/flags.ts';
import { StepLogins } from '../docker/logins.ts';
import { missingDockerfile } from '../run/missing-dockerfile.ts';
import { openKanikoContext } from './context.ts';
import { KANIKO_FLAGS } from './flags.ts';
import { KanikoProgress } from './progress.ts';

/** What kaniko says before it builds anything: `Error: ...`. */
class UsageError extends Error {}

/**
 * kaniko's executor: a Dockerfile to an image to its destinations, by this server's engine. Its caches are this server's
 * layer cache, which is used unless `--cache=false` says no; its registries and mirrors those of slipway.yaml.
 */
export const kaniko: NativeBuilder = async (args, context) => {
  const progress = new KanikoProgress((text) => context.output.stderr(text));
  try {
    const flags = parseFlags(KANIKO_FLAGS, args);
    checkUsage(flags);
    const credentials = await new StepLogins(context).credentials((host) => isOwnHost(host, context.ownNames));
    const caller = credentials === undefined ? context.caller : { ...context.caller, credentials };
    return await buildAndPush(flags, { ...context, caller }, progress);
  } catch (error) {
    if (error instanceof FlagError || error instanceof UsageError) context.output.stderr(`Error: ${error.message}\n`);
    else if (error instanceof Problem && error.code !== 'cancelled')
      context.output.stderr(`${error.place === undefined ? withHint(error) : renderProblem(error)}\n`);
    else throw error;
    return 1;
  }
};

function withHint({ message, hint }: Problem): string {
  return hint === undefined ? message : `${message}\n${hint}`;
}

function checkUsage(flags: Flags): void {
  const [word] = flags.args;
  if (word !== undefined) throw new UsageError(`unknown command ${JSON.stringify(word)} for "executor"`);
  if (flags.has('destination')) return;
  if (!flags.on('no-push')) throw new UsageError('you must provide --destination, or use --no-push');
  if (flags.one('image-name-with-digest-file'))
    throw new UsageError('you must provide --destination if setting ImageNameDigestFile');
  if (flags.one('image-name-tag-with-digest-file'))
    throw new UsageError('you must provide --destination if setting ImageNameTagDigestFile');
  if (flags.one('oci-layout-path'))
    throw new UsageError('you must provide --destination if setting OCILayoutPath: the layout has names of images');
}

async function buildAndPush(flags: Flags, context: NativeContext, progress: KanikoProgress): Promise<number> {
  const { engine, caller } = context;
  const destinations = flags.all('destination').map((name) => withDefaultTag(parseReference(name)));
  const opened = await openKanikoContext(flags, context).catch(wrapped('error resolving source context'));
  const session: DockerSession = { ...context, files: opened.files, out: () => undefined, err: () => undefined };
  const file = await dockerfileOf(flags, opened.context, session).catch(wrapped('error resolving dockerfile path'));
  const secrets = await stepSecrets(flags.all('secret'), session);
  const ttl = flags.one('cache-ttl');
  if (flags.on('cache') && ttl !== undefined)
    progress.info(`--cache-ttl ${ttl}: layers are kept as long as cache.maxAgeDays of this server says`);
  const { images } = await withStepContexts(opened.context, file, [], session, (contexts) =>
    engine.build(
      {
        ...requestOf(flags, destinations, context),
        ...contexts,
        secret: async (id) => secrets.get(id) ?? gitToken(id, context.env),
        outputs: archiveOf(flags, destinations, context),
        onEvent: progress.listen,
      },
      caller,
    ),
  ).catch(wrapped('error building image'));
  const digest = images[0]?.image.target.digest ?? '';
  await writeDigests(flags, destinations, digest, context);
  const layout = flags.one('oci-layout-path');
  const [first] = destinations;
  if (layout && first !== undefined) {
    const path = posix.resolve(context.cwd, layout);
    await context.files.makeFolder(path);
    await context.files.pinned(path, (pinned) => engine.saveFolder([familiarName(first)], pinned, caller));
  }
  if (flags.on('no-push')) {
    progress.info('Skipping push to container registry due to --no-push flag');
    return 0;
  }
  for (const destination of destinations) {
    const name = familiarName(destination);
    progress.info(`Pushing image to ${name}`);
    const pushed = await engine.push(name, caller).catch(wrapped('error pushing image'));
    progress.info(`Pushed ${destination.host}/${destination.repository}@${pushed.digest}`);
  }
  return 0;
}

function requestOf(
  flags: Flags,
  destinations: readonly Reference[],
  { env, network }: NativeContext,
): Omit<ImageBuildRequest, 'context' | 'dockerfile' | 'onEvent'> {
  const platform = flags.one('custom-platform') || flags.one('customPlatform');
  const reproducible: Record<string, string> = flags.on('reproducible') ? { SOURCE_DATE_EPOCH: '0' } : {};
  return {
    buildArgs: { ...reproducible, ...pairs(flags.all('build-arg'), (name) => env[name] ?? '') },
    labels: pairs(flags.all('label'), () => ''),
    targets: [{ stage: flags.one('target') || undefined, tags: destinations.map(familiarName) }],
    platform: platform ? parsePlatform(platform) : undefined,
    cacheFrom: [],
    noCache: flags.has('cache') && !flags.on('cache'),
    pull: false,
    network,
  };
}

function pairs(list: readonly string[], missing: (name: string) => string): Record<string, string> {
  return Object.fromEntries(
    list.map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, missing(pair)] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Beside the step's folder, else below the context; behind an address it is a path in what is fetched. */
async function dockerfileOf(flags: Flags, context: string, session: DockerSession): Promise<string> {
  const file = flags.one('dockerfile') || 'Dockerfile';
  if (context.includes('://')) return file;
  for (const path of [posix.resolve(session.cwd, file), posix.resolve(context, file)])
    if ((await session.files.stat(path))?.kind === 'file') return path;
  const { hint, place } = await missingDockerfile(posix.resolve(context, file), session.files);
  throw new Problem(
    'not-found',
    'please provide a valid path to a Dockerfile within the build context with --dockerfile',
    { hint, place },
  );
}

/** kaniko's own variable for private repositories. */
function gitToken(id: string, env: Readonly<Record<string, string>>): Buffer | undefined {
  const token = env['GIT_TOKEN'];
  return id === 'GIT_AUTH_TOKEN' && token ? Buffer.from(token) : undefined;
}

function archiveOf(flags: Flags, destinations: readonly Reference[], { cwd, files }: NativeContext) {
  const path = flags.one('tar-path') || flags.one('tarPath');
  if (!path) return [];
  const names = destinations.map(({ host, repository, tag }) => `${host}/${repository}:${tag}`);
  return [
    {
      kind: 'docker' as const,
      names,
      write: (bytes: AsyncIterable<Uint8Array>) => files.replace(posix.resolve(cwd, path), bytes),
    },
  ];
}

async function writeDigests(
  flags: Flags,
  destinations: readonly Reference[],
  digest: string,
  { cwd, files }: NativeContext,
): Promise<void> {
  const write = async (flag: string, text: string) => {
    const path = flags.one(flag);
    if (path) await files.replace(posix.resolve(cwd, path), once(Buffer.from(text)));
  };
  const named = (of: (reference: Reference) => string) =>
    destinations.map((reference) => `${of(reference)}@${digest}\n`).join('');
  await write('digest-file', digest);
  await write(
    'image-name-with-digest-file',
    named(({ host, repository }) => `${registryName(host)}/${repository}`),
  );
  await write(
    'image-name-tag-with-digest-file',
    named(({ host, repository, tag }) => `${registryName(host)}/${repository}:${tag}`),
  );
}

/** kaniko's name of Docker Hub. */
function registryName(host: string): string {
  return host === 'docker.io' ? 'index.docker.io' : host;
}

/** The phase in front of what went wrong, as kaniko has it. */
function wrapped(phase: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Problem) || error.code === 'cancelled') throw error;
    const { code, place, hint, exitCode } = error;
    throw new Problem(code, `${phase}: ${messageOf(error)}`, { place, hint, exitCode, cause: error });
  };
}
