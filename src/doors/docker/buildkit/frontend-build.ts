import type { BuiltImage } from '../../../engine/engine.ts';
import type { BuildEvent } from '../../../engine/events.ts';
import type { BuildOutput, CacheExport, CacheImport, Entitlement, ImageBuildRequest } from '../../../engine/request.ts';
import { Problem } from '../../../lib/problem.ts';
import { archiveRoom, withArchive } from '../build/with-archive.ts';
import { withNetwork } from '../build/with-network.ts';
import type { DockerCall } from '../call.ts';
import { UPLOAD_HOST } from '../session/client-session.ts';
import { sessionContext } from '../session/session-contexts.ts';
import { sessionsOf } from '../session/sessions.ts';
import type { FrontendResult } from './build-job.ts';
import { type FrontendOptions, frontendOptions } from './frontend-options.ts';
import { namedContexts } from './named-contexts.ts';

/** What a build is told besides what the frontend was asked. */
export interface BuildSettings {
  /** Of the client, with its files, secrets and logins. */
  session: string;
  tags: string[];
  outputs: BuildOutput[];
  cacheFrom: CacheImport[];
  cacheTo: CacheExport[];
  allow: Entitlement[];
  /** Nothing is built. */
  checkOnly?: boolean;
  onEvent: (event: BuildEvent) => void;
  signal: AbortSignal;
}

type Context = Pick<ImageBuildRequest, 'context' | 'dockerfile'>;

/**
 * Builds what a client asked of the frontend `dockerfile.v0`.
 * @returns undefined when there was nothing to build
 * @throws Problem
 */
export async function frontendBuild(
  call: DockerCall,
  { attributes, inputs }: Pick<FrontendResult, 'attributes' | 'inputs'>,
  settings: BuildSettings,
): Promise<BuiltImage | undefined> {
  const options = frontendOptions(attributes);
  const { platforms, target, buildArgs, labels, noCache, noCacheFilter, pull, run, provenance } = options;
  const { signal, tags, outputs, cacheFrom, cacheTo, allow, checkOnly, onEvent } = settings;
  const [platform] = platforms;
  if (platforms.length > 1)
    throw new Problem('unsupported', 'a build is for one platform at a time here', {
      hint: 'Build once for each --platform, with a tag of its own.',
    });
  const session = await sessionsOf(call.house).get(settings.session, signal);
  const contexts = await namedContexts(call.house, options, { session, inputs, signal });
  return await withContext(call, options, settings, (context) =>
    withNetwork(options.network, call, async (network) => {
      const { images } = await call.house.engine.build(
        {
          ...context,
          ...{ buildArgs, labels, platform, contexts, noCache, noCacheFilter, pull, network, run, allow, provenance },
          ...{ cacheFrom, cacheTo, outputs, checkOnly, onEvent },
          targets: [{ stage: target, tags }],
          secret: (id) => session.secret(id),
          ssh: (id) => session.ssh(id),
        },
        { ...call.caller, signal, credentials: session.credentials },
      );
      return images[0];
    }),
  );
}

/** Folders of the client; what it has read from its standard input; or an address. */
async function withContext<T>(
  { house }: DockerCall,
  { remote, folders, filename, sessions }: FrontendOptions,
  { session, signal }: BuildSettings,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const from = (folder: string) => sessionsOf(house).get(sessions[folder] ?? session, signal);
  if (remote === undefined)
    return await work(await sessionContext(await from(folders.context), { ...folders, filename }, signal));
  const url = URL.canParse(remote) ? new URL(remote) : undefined;
  if (url?.hostname !== UPLOAD_HOST)
    return await work({ context: { kind: 'url', url: remote }, dockerfile: { path: filename } });
  const bytes = (await from(folders.context)).upload(url.pathname, signal);
  return await withArchive(bytes, filename, archiveRoom(house), signal, work);
}
