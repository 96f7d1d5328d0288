import type { NamedContext } from '../../../engine/request.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerHouse } from '../call.ts';
import type { ClientSession } from '../session/client-session.ts';
import { namedSessionContext } from '../session/session-contexts.ts';
import { sessionsOf } from '../session/sessions.ts';
import { buildJobsOf } from './build-jobs.ts';
import type { FrontendOptions } from './frontend-options.ts';

interface Around {
  session: ClientSession;
  /** Results of other builds by the name of their input. */
  inputs: Record<string, string>;
  signal: AbortSignal;
}

/** What `--build-context`, and the targets of a bake file, mean under their names. @throws Problem `unsupported` */
export async function namedContexts(
  house: DockerHouse,
  { contexts, sessions }: Pick<FrontendOptions, 'contexts' | 'sessions'>,
  { session, inputs, signal }: Around,
): Promise<Record<string, NamedContext>> {
  const opened: Record<string, NamedContext> = {};
  for (const [key, value] of Object.entries(contexts)) {
    const [name = key] = key.split('::'); // behind it a platform, for builds for several
    const [scheme, rest] = split(value);
    if (scheme === 'docker-image') opened[name] = { kind: 'image', reference: rest.replace(/^\/\//, '') };
    else if (scheme === 'local') {
      const other = sessions[rest];
      const from = other === undefined ? session : await sessionsOf(house).get(other, signal);
      opened[name] = namedSessionContext(from, rest);
    } else if (scheme === 'input') {
      const { image } = await buildJobsOf(house).result(inputs[rest] ?? '', signal);
      opened[name] = { kind: 'image', reference: image.id };
    } else if (scheme === 'oci-layout' || scheme === 'target')
      throw new Problem('unsupported', `--build-context ${name}=${value}: ${scheme} is not served by this builder`, {
        hint: 'Load the image with docker load, and name it: docker-image://NAME.',
      });
    else opened[name] = { kind: 'url', url: value };
  }
  return opened;
}

function split(value: string): [scheme: string, rest: string] {
  const colon = value.indexOf(':');
  return colon < 0 ? ['', value] : [value.slice(0, colon), value.slice(colon + 1)];
}
