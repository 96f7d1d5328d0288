import { Problem } from '../../lib/problem.ts';
import { refuseUnsupportedArtifacts } from '../results/supported-artifacts.ts';
import { refuseUnsupportedSecrets } from '../secrets/supported-secrets.ts';
import type { BuildRequest } from './request.ts';

/**
 * Refuses, before anything runs, what would otherwise be left out in silence: a build that ends SUCCESS without its
 * artifacts or secrets would be a lie.
 * @throws Problem `unsupported`
 */
export function refuseUnsupported(request: BuildRequest): void {
  const refuse = (what: string, hint: string) => {
    throw new Problem('unsupported', `invalid build: ${what} is not supported by this server`, { hint });
  };
  if (
    request.gitConfig?.http?.proxySecretVersionName !== undefined ||
    request.gitConfig?.http?.proxySslCaInfo !== undefined
  )
    refuse('gitConfig.http', "git goes out through this server's own network: leave the proxy out.");
  refuseUnsupportedSecrets(request);
  refuseUnsupportedArtifacts(request);
}
