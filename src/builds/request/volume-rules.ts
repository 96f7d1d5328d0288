import { posix } from 'node:path';
import type { Complaint } from './complaint.ts';
import type { FieldPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const RESERVED = ['/workspace', '/builder/home', '/var/run/docker.sock', '/cloudbuild'];

interface Volume {
  name: string;
  path: string;
}

/** Volumes are for handing files from step to step: named well, mounted absolutely, and used by two steps at least. */
export function* volumeComplaints(request: BuildRequest): Generator<Complaint> {
  const steps = request.steps ?? [];
  const shared = request.options?.volumes ?? [];
  if (shared.length > 0 && steps.length < 2)
    yield { path: ['options', 'volumes'], message: 'Global volumes defined but there are fewer than two steps' };
  yield* listComplaints(shared, ['options', 'volumes'], 'invalid .options.volumes: ');
  const uses = new Map<string, number[]>();
  for (const [index, { id = '', volumes = [] }] of steps.entries()) {
    const path = ['steps', index, 'volumes'];
    const which = `build step #${index} - ${JSON.stringify(id)}: `;
    yield* listComplaints(volumes, path, which);
    for (const [i, { name, path: target }] of volumes.entries()) {
      if (shared.some((volume) => volume.name === name))
        yield {
          path: [...path, i],
          message: `${which}volume name ${JSON.stringify(name)} conflicts with global volume`,
        };
      if (shared.some((volume) => volume.path === target))
        yield {
          path: [...path, i],
          message: `${which}volume path ${JSON.stringify(target)} conflicts with global volume`,
        };
      uses.set(name, [...(uses.get(name) ?? []), index]);
    }
  }
  for (const [name, [first, ...others]] of uses)
    if (others.length === 0)
      yield {
        path: ['steps', first ?? 0, 'volumes'],
        message: `Volume ${JSON.stringify(name)} is only used by one step`,
        hint: 'A volume is empty at the start and dropped at the end; a folder below /workspace serves one step as well.',
      };
}

/** What one list of volumes may hold. */
function* listComplaints(volumes: readonly Volume[], path: FieldPath, which: string): Generator<Complaint> {
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, { name, path: target }] of volumes.entries()) {
    const at = [...path, i];
    const clean = posix.normalize(target).replace(/(.)\/$/, '$1');
    if (!NAME.test(name))
      yield {
        path: at,
        message: `${which}volume name ${JSON.stringify(name)} does not match ${JSON.stringify(NAME.source)}`,
      };
    if (!clean.startsWith('/'))
      yield { path: at, message: `${which}path ${JSON.stringify(target)} is not valid, must be absolute` };
    if (RESERVED.includes(clean)) yield { path: at, message: `${which}path ${JSON.stringify(target)} is reserved` };
    if (clean.startsWith('/cloudbuild/'))
      yield { path: at, message: `${which}volume path ${JSON.stringify(target)} cannot start with /cloudbuild/` };
    if (names.has(name))
      yield {
        path: at,
        message: `${which}volume name ${JSON.stringify(name)} is defined in more than one volume entry`,
      };
    if (paths.has(clean))
      yield {
        path: at,
        message: `${which}volume path ${JSON.stringify(clean)} is defined in more than one volume entry`,
      };
    names.add(name);
    paths.add(clean);
  }
}
