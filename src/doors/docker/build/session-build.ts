import type { ImageBuildRequest } from '../../../engine/request.ts';
import { fullName } from '../../../images/reference.ts';
import { Trace } from '../buildkit/trace.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { type ClientSession, UPLOAD_HOST } from '../session/client-session.ts';
import { sessionContext } from '../session/session-contexts.ts';
import { sessionsOf } from '../session/sessions.ts';
import { JsonLines } from '../streams/json-lines.ts';
import type { BuildOptions } from './build-options.ts';
import { runningBuildsOf } from './running-builds.ts';
import { withSessionOutputs } from './session-outputs.ts';
import { tellTags } from './tell-tags.ts';
import { tracedError } from './traced-error.ts';
import { UPLOAD_REQUEST, uploadsOf } from './uploads.ts';
import { archiveRoom, withArchive } from './with-archive.ts';
import { withNetwork } from './with-network.ts';

/** The context is a folder of the client, which it serves in its session. */
const CLIENT_SESSION = 'client-session';

/**
 * `POST /build?version=2`, as docker sends it with DOCKER_BUILDKIT=1: the request has no body; files, secrets and logins are
 * asked of the client's session, and the progress goes out as BuildKit's messages in JSON lines.
 */
export async function sessionBuild(call: DockerCall, options: BuildOptions): Promise<void> {
  for (const tag of options.tags) fullName(tag);
  const { house } = call;
  if (options.session === '') throw new DockerError(400, 'a build of version 2 needs a session');
  const lines = new JsonLines(call);
  const { target, run, buildArgs, labels, platform, noCache, pull, cacheFrom, tags, quiet } = options;
  const session = await sessionsOf(house).get(options.session, call.signal);
  lines.begin();
  const trace = new Trace(
    (message) =>
      void (quiet || lines.tell({ id: 'moby.buildkit.trace', aux: Buffer.from(message).toString('base64') })),
    () => house.clock.now(),
  );
  try {
    await runningBuildsOf(house).within(options.id, call.signal, (signal) =>
      withSessionOutputs(options.outputs, session, house.folder, signal, ({ outputs, image }) =>
        withContext(call, session, options, signal, (context) =>
          withNetwork(options.networkMode, call, async (network) => {
            const { images } = await house.engine.build(
              {
                ...context,
                ...{ buildArgs, labels, platform, noCache, pull, network, run, outputs },
                targets: [{ stage: target, tags: image ? tags : [] }],
                cacheFrom: cacheFrom.map((reference) => ({ kind: 'registry', reference })),
                secret: (id) => session.secret(id),
                ssh: (id) => session.ssh(id),
                onEvent: trace.listen,
              },
              { ...call.caller, signal, credentials: session.credentials },
            );
            trace.finish();
            if (!image) return;
            const id = images[0]?.image.id ?? '';
            void lines.send(quiet ? { stream: `${id}\n` } : { id: 'moby.image.id', aux: { ID: id } });
            tellTags(images, call);
          }),
        ),
      ),
    );
    lines.end();
  } catch (error) {
    trace.finish();
    throw tracedError(error);
  }
}

/** Files of the session; what the client read from its standard input; or an address. */
async function withContext<T>(
  call: DockerCall,
  session: ClientSession,
  { remote, dockerfile, id }: BuildOptions,
  signal: AbortSignal,
  work: (context: Pick<ImageBuildRequest, 'context' | 'dockerfile'>) => Promise<T>,
): Promise<T> {
  if (remote === CLIENT_SESSION || remote === '')
    return await work(
      await sessionContext(session, { dockerfile: 'dockerfile', context: 'context', filename: dockerfile }, signal),
    );
  const { house } = call;
  const from = (bytes: AsyncIterable<Uint8Array>) => withArchive(bytes, dockerfile, archiveRoom(house), signal, work);
  if (remote === UPLOAD_REQUEST) return await from(await uploadsOf(house).take(id, signal));
  const url = URL.canParse(remote) ? new URL(remote) : undefined;
  if (url?.hostname === UPLOAD_HOST) return await from(session.upload(url.pathname, signal));
  return await work({ context: { kind: 'url', url: remote }, dockerfile: { path: dockerfile } });
}
