import { nearest } from '../../lib/nearest.ts';
import type { Complaint } from './complaint.ts';
import type { FieldPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

/** Longest encrypted value, in characters of base64. */
const MAX_SECRET = 64 * 1024;
const MAX_SECRETS = 100;

/** Names of secrets are defined once, asked for where they are defined, and no other variables. */
export function* secretComplaints(request: BuildRequest): Generator<Complaint> {
  const defined = definedSecrets(request);
  const names = new Set<string>();
  for (const { name, path } of defined) {
    if (names.has(name)) yield { path, message: `secretEnv ${JSON.stringify(name)} is defined more than once` };
    names.add(name);
  }
  if (names.size > MAX_SECRETS)
    yield { path: ['availableSecrets'], message: `build defines more than ${MAX_SECRETS} secret values` };
  yield* useComplaints(request);
  const used = usedSecrets(request);
  for (const { name, path } of used) {
    if (names.has(name)) continue;
    const meant = nearest(name, names);
    yield {
      path,
      message: `secretEnv ${JSON.stringify(name)} is used without being defined`,
      hint:
        meant === undefined
          ? `Define it: availableSecrets: {secretManager: [{versionName: projects/P/secrets/S/versions/latest, env: ${name}}]}.`
          : `Did you mean ${meant}?`,
    };
  }
  // what Secret Manager has and no step asks for is only remarked on by lint: published builds have that, and run
  for (const { name, path } of defined)
    if (path[0] === 'secrets' && !used.some((use) => use.name === name))
      yield { path, message: `secretEnv ${JSON.stringify(name)} is defined without being used` };
  yield* keyComplaints(request);
}

/** Once in a step, and not in a step when all have it. */
function* useComplaints({ steps, options }: BuildRequest): Generator<Complaint> {
  const shared = options?.secretEnv ?? [];
  for (const [i, name] of shared.entries())
    if (shared.indexOf(name) < i)
      yield {
        path: ['options', 'secretEnv', i],
        message: `Build uses global secretEnv ${JSON.stringify(name)} more than once`,
      };
  for (const [index, { env = [], secretEnv = [] }] of (steps ?? []).entries()) {
    for (const [i, name] of secretEnv.entries()) {
      const path = ['steps', index, 'secretEnv', i];
      if (shared.includes(name))
        yield { path, message: `Step ${index} uses the global secretEnv ${JSON.stringify(name)}` };
      if (secretEnv.indexOf(name) < i)
        yield { path, message: `Step ${index} uses the secretEnv ${JSON.stringify(name)} more than once` };
    }
    const plain = new Set([...(options?.env ?? []), ...env].map((pair) => pair.split('=', 1)[0]));
    for (const name of new Set([...shared, ...secretEnv]))
      if (plain.has(name))
        yield {
          path: ['steps', index],
          message: `step ${index} has secret and non-secret env ${JSON.stringify(name)}`,
        };
  }
}

function* keyComplaints({ secrets }: BuildRequest): Generator<Complaint> {
  const keys = new Set<string>();
  for (const [i, { kmsKeyName = '', secretEnv = {} }] of (secrets ?? []).entries()) {
    const path = ['secrets', i];
    if (keys.has(kmsKeyName))
      yield { path, message: `kmsKeyName ${JSON.stringify(kmsKeyName)} is used by more than one secret` };
    keys.add(kmsKeyName);
    if (Object.keys(secretEnv).length === 0) yield { path, message: `secret ${i} defines no secretEnvs` };
    for (const [name, value] of Object.entries(secretEnv))
      if (value.length > MAX_SECRET)
        yield {
          path: [...path, 'secretEnv', name],
          message: `secretEnv value for ${JSON.stringify(name)} cannot exceed ${MAX_SECRET}B`,
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
