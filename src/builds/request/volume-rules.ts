import type { Complaint } from './complaint.ts';
import type { BuildRequest } from './request.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const RESERVED = ['/workspace', '/builder/home', '/var/run/docker.sock', '/cloudbuild'];

/** Volumes are for handing files from step to step: named well, mounted absolutely, and used by two steps at least. */
export function* volumeComplaints(request: BuildRequest): Generator<Complaint> {
  const steps = request.steps ?? [];
  const shared = request.options?.volumes ?? [];
  const uses = new Map<string, number[]>();
  for (const [i, { name, path }] of shared.entries()) {
    yield* namingComplaints(name, path, ['options', 'volumes', i]);
    if (steps.length < 2)
      yield { path: ['options', 'volumes', i], message: `Volume ${JSON.stringify(name)} is only used by one step` };
  }
  for (const [index, step] of steps.entries()) {
    const targets = new Set(shared.map((volume) => volume.path));
    const names = new Set(shared.map((volume) => volume.name));
    for (const [i, { name, path }] of (step.volumes ?? []).entries()) {
      const at = ['steps', index, 'volumes', i];
      yield* namingComplaints(name, path, at);
      if (names.has(name))
        yield { path: at, message: `build step ${index}: volume name ${JSON.stringify(name)} is used twice` };
      if (targets.has(path))
        yield { path: at, message: `build step ${index}: volume path ${JSON.stringify(path)} is used twice` };
      names.add(name);
      targets.add(path);
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

function* namingComplaints(name: string, target: string, path: Complaint['path']): Generator<Complaint> {
  if (!NAME.test(name)) yield { path, message: `Volume name ${JSON.stringify(name)} must match ${NAME.source}` };
  if (!target.startsWith('/') || target.split('/').includes('..'))
    yield { path, message: `Volume path ${JSON.stringify(target)} is not a valid absolute path` };
  const clean = target.replace(/\/+$/, '');
  if (RESERVED.includes(clean) || clean.startsWith('/cloudbuild/'))
    yield { path, message: `Volume path ${JSON.stringify(target)} is reserved` };
}
