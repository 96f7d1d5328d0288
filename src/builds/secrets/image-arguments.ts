import type { ImageBuildRequest } from '../../engine/request.ts';
import type { BuildSecrets } from './resolve-secrets.ts';
import { SHORTEST_MASKED } from './secret-shapes.ts';

/**
 * Where an image that is about to be built would carry a secret for everybody who has it: its history keeps the values of
 * build arguments, its config those of labels.
 * @returns a sentence for each
 */
export function secretsInImage(
  { buildArgs, labels }: Pick<ImageBuildRequest, 'buildArgs' | 'labels'>,
  secrets: BuildSecrets,
): string[] {
  const places = [
    ...Object.entries(buildArgs).map(([name, value]) => [`--build-arg ${name}`, value] as const),
    ...Object.entries(labels).map(([name, value]) => [`--label ${name}`, value] as const),
  ];
  const told: string[] = [];
  for (const [env, secret] of secrets) {
    const value = secret.trim();
    if (value.length < SHORTEST_MASKED) continue;
    for (const [place, text] of places)
      if (text?.includes(value))
        told.push(
          `${place} puts the secret ${env} into the image, where everybody who has the image can read it. Use docker build --secret id=${env.toLowerCase()},env=${env} and RUN --mount=type=secret,id=${env.toLowerCase()}.`,
        );
  }
  return told;
}
