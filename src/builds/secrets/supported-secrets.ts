import { Problem } from '../../lib/problem.ts';
import { parseVersionName } from '../../stores/secrets/secret-names.ts';
import type { BuildRequest } from '../request/request.ts';

const ENV = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Values that only a key of Google's Key Management Service decrypts can't be had here, and are refused before anything
 * runs; so is a name that can't name a version.
 * @throws Problem `unsupported`, `invalid`
 */
export function refuseUnsupportedSecrets({ availableSecrets, secrets }: BuildRequest): void {
  const encrypted = [
    ...(availableSecrets?.inline ?? []).map(({ envMap }) => ['availableSecrets.inline', envMap] as const),
    ...(secrets ?? []).map(({ secretEnv }) => ['secrets', secretEnv] as const),
  ];
  for (const [field, values] of encrypted) {
    const [env = 'NAME'] = Object.keys(values ?? {});
    throw new Problem('unsupported', `invalid build: ${field} is not supported by this server`, {
      hint: `Its values are encrypted with a key of Google's Cloud KMS. Decrypt them once, keep them here, and name them:\n  gcloud kms decrypt ... | slipway secret create ${secretName(env)}\n  availableSecrets:\n    secretManager:\n    - versionName: projects/$PROJECT_ID/secrets/${secretName(env)}/versions/latest\n      env: ${env}`,
    });
  }
  for (const { versionName, env } of availableSecrets?.secretManager ?? []) {
    if (!ENV.test(env))
      throw new Problem('invalid', `invalid build: availableSecrets: ${JSON.stringify(env)} is no name of a variable`, {
        hint: 'It may have letters, digits and underscores, and begins with no digit.',
      });
    parseVersionName(versionName);
  }
}

function secretName(env: string): string {
  return env.toLowerCase().replaceAll('_', '-');
}
