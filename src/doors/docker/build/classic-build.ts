import type { BuiltImage } from '../../../engine/engine.ts';
import type { BuildEvent } from '../../../engine/events.ts';
import { isRemoteContext } from '../../../engine/options/context.ts';
import { ClassicProgress } from '../../../engine/progress/classic.ts';
import type { ImageBuildRequest } from '../../../engine/request.ts';
import { fullName } from '../../../images/reference.ts';
import { log } from '../../../lib/log.ts';
import { messageOf } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { BasePulls } from './base-pulls.ts';
import type { BuildOptions } from './build-options.ts';
import { classicError } from './classic-error.ts';
import { registryConfig } from './registry-config.ts';
import { runningBuildsOf } from './running-builds.ts';
import { tellTags } from './tell-tags.ts';
import { archiveRoom, withArchive } from './with-archive.ts';
import { withNetwork } from './with-network.ts';

/**
 * `POST /build?version=1`: an archive comes in, the old builder's lines go out. Until the first of them what fails is an
 * answer with a status, afterwards it ends the stream.
 */
export async function classicBuild(call: DockerCall, options: BuildOptions): Promise<void> {
  for (const tag of options.tags) fullName(tag); // a bad one is said before anything is sent
  const { house, request } = call;
  const lines = new JsonLines(call);
  const credentials = registryConfig(request.headers['x-registry-config']);
  const bases = new Set<string>();
  const pulls = new BasePulls((line) => void (options.quiet || lines.send(line)));
  const progress = new ClassicProgress((text) => void (options.quiet || lines.tell({ stream: text })), {
    colours: true,
    onPulled: (pulled) => {
      bases.add(pulled.name);
      pulls.pulled(pulled, options.pull);
    },
  });
  let phase: 'reading' | 'building' = 'reading';
  const onEvent = (event: BuildEvent) => {
    if (event.kind === 'steps') phase = 'building';
    pulls.listen(event);
    progress.listen(event);
  };
  const { tags, target, run, buildArgs, labels, platform, noCache, pull } = options;
  try {
    const { images } = await runningBuildsOf(house).within(options.id, call.signal, (signal) =>
      withContext(call, options, signal, (context) =>
        withNetwork(options.networkMode, call, (network) =>
          house.engine.build(
            {
              ...context,
              ...{ buildArgs, labels, platform, noCache, pull, network, run, onEvent },
              targets: [{ stage: target, tags }],
              cacheFrom: options.cacheFrom.map((reference) => ({ kind: 'registry', reference })),
              stepImages: true,
            },
            { ...call.caller, signal, credentials },
          ),
        ),
      ),
    );
    tellBuilt(images, progress, lines, options);
    tellTags(images, call);
    await nameBases(bases, call, credentials);
    lines.end();
  } catch (error) {
    if (!options.quiet) progress.failed();
    await nameBases(bases, call, credentials);
    throw classicError(error, phase);
  }
}

/**
 * A FROM of the classic builder is a pull: what it named stays among the images, also when the build fails. The layers come
 * when somebody needs them.
 */
async function nameBases(
  names: ReadonlySet<string>,
  { house, caller }: DockerCall,
  credentials: ReturnType<typeof registryConfig>,
): Promise<void> {
  for (const name of names) {
    try {
      await house.engine.pull(name, { ...caller, credentials });
    } catch (error) {
      log.debug({ error: messageOf(error), name }, 'docker: a base that was built on got no name here');
    }
  }
}

/** Clients take the id from `aux`; a quiet build says nothing else. */
function tellBuilt(
  images: readonly BuiltImage[],
  progress: ClassicProgress,
  lines: JsonLines,
  { quiet }: BuildOptions,
): void {
  const id = images[0]?.image.id ?? '';
  if (quiet) {
    void lines.send({ stream: `${id}\n` });
    return;
  }
  void lines.send({ aux: { ID: id } });
  progress.built(images);
}

/** An address, or the archive that is the request's body. */
async function withContext<T>(
  { request, house }: DockerCall,
  { remote, dockerfile }: BuildOptions,
  signal: AbortSignal,
  work: (context: Pick<ImageBuildRequest, 'context' | 'dockerfile'>) => Promise<T>,
): Promise<T> {
  if (remote === '') return await withArchive(request, dockerfile, archiveRoom(house), signal, work);
  if (!isRemoteContext(remote))
    throw new DockerError(400, `remote: ${remote} is no address of a repository or archive`);
  return await work({ context: { kind: 'url', url: remote }, dockerfile: { path: dockerfile } });
}
