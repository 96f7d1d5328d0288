import { nearest } from '../../lib/nearest.ts';
import type { Complaint } from './complaint.ts';
import type { FieldPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

/** What `secretEnv` asks for must be defined, and what the older `secrets` define must be asked for (lint remarks on others). */
export function* secretComplaints(request: BuildRequest): Generator<Complaint> {
  const defined = new Set(definedSecrets(request).map(({ name }) => name));
  const used = new Set<string>();
  for (const { name, path } of usedSecrets(request)) {
    used.add(name);
    if (defined.has(name)) continue;
    const meant = nearest(name, defined);
    yield {
      path,
      message: `secretEnv ${JSON.stringify(name)} is used without being defined`,
      hint:
        meant === undefined
          ? `Define it: availableSecrets: {secretManager: [{versionName: projects/P/secrets/S/versions/latest, env: ${name}}]}.`
          : `Did you mean ${meant}?`,
    };
  }
  for (const { name, path } of definedSecrets(request))
    if (path[0] === 'secrets' && !used.has(name))
      yield { path, message: `secretEnv ${JSON.stringify(name)} is defined without being used` };
  for (const [index, step] of (request.steps ?? []).entries())
    for (const [i, pair] of (step.env ?? []).entries()) {
      const name = pair.split('=', 1)[0] ?? '';
      if (step.secretEnv?.includes(name))
        yield {
          path: ['steps', index, 'env', i],
          message: `build step ${index}: ${JSON.stringify(name)} is in env and in secretEnv`,
        };
    }
}

export interface NamedSecret {
  name: string;
  path: FieldPath;
}

export function definedSecrets({ availableSecrets, secrets }: BuildRequest): NamedSecret[] {
  return [
    ...(availableSecrets?.secretManager ?? []).map(({ env }, i) => ({
      name: env,
      path: ['availableSecrets', 'secretManager', i, 'env'],
    })),
    ...(availableSecrets?.inline ?? []).flatMap(({ envMap }, i) =>
      Object.keys(envMap ?? {}).map((name) => ({ name, path: ['availableSecrets', 'inline', i, 'envMap', name] })),
    ),
    ...(secrets ?? []).flatMap(({ secretEnv }, i) =>
      Object.keys(secretEnv ?? {}).map((name) => ({ name, path: ['secrets', i, 'secretEnv', name] })),
    ),
  ];
}

export function usedSecrets({ steps, options }: BuildRequest): NamedSecret[] {
  return [
    ...(options?.secretEnv ?? []).map((name, i) => ({ name, path: ['options', 'secretEnv', i] })),
    ...(steps ?? []).flatMap(({ secretEnv }, index) =>
      (secretEnv ?? []).map((name, i) => ({ name, path: ['steps', index, 'secretEnv', i] })),
    ),
  ];
}
