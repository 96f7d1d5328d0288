import { Problem } from '../../lib/problem.ts';
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
  const { source, artifacts } = request;
  for (const kind of [
    'storageSourceManifest',
    'repoSource',
    'gitSource',
    'connectedRepository',
    'developerConnectConfig',
  ] as const)
    if (source?.[kind] !== undefined)
      refuse(`source.${kind}`, 'Submit a folder or an archive: gcloud builds submit DIR.');
  refuseUnsupportedSecrets(request);
  for (const kind of ['objects', 'mavenArtifacts', 'pythonPackages', 'npmPackages', 'goModules'] as const)
    if (artifacts?.[kind] !== undefined)
      refuse(
        `artifacts.${kind}`,
        'A step can store files itself: name gcr.io/cloud-builders/gsutil, args [cp, FILE, gs://BUCKET/].',
      );
  if ((request.dependencies ?? []).some((dependency) => dependency.gitSource !== undefined))
    refuse('dependencies.gitSource', 'Fetch the repository in a step.');
}
