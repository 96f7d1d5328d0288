import { Problem } from '../../lib/problem.ts';
import type { BuildRequest } from '../request/request.ts';

/** What a step does instead; the password of the other registry is a secret. */
const PUBLISHED_BY: Record<string, string> = {
  mavenArtifacts: 'name: maven, args: [mvn, deploy]',
  pythonPackages: 'name: python, entrypoint: twine, args: [upload, dist/*]',
  npmPackages: 'name: node, entrypoint: npm, args: [publish]',
  goModules: 'a tag of the repository, which the go command reads by itself',
  genericArtifacts: 'artifacts.objects with a bucket',
};

/**
 * Packages go to repositories of their format, and this server has repositories of images: refused before anything runs,
 * because a build that ends SUCCESS without its packages would be a lie.
 * @throws Problem `unsupported`
 */
export function refuseUnsupportedArtifacts({ artifacts = {} }: BuildRequest): void {
  for (const [kind, instead] of Object.entries(PUBLISHED_BY))
    if (((artifacts as Record<string, unknown[] | undefined>)[kind] ?? []).length > 0)
      throw new Problem('unsupported', `invalid build: artifacts.${kind} is not supported by this server`, {
        hint: `Its repositories hold container images. Publish in a step, with the registry's password in secretEnv: ${instead}.\nOr keep the files in a bucket: artifacts.objects.`,
      });
}
