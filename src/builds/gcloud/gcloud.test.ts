import { describe, expect, it } from 'vitest';
import { beyondGcloud } from './gcloud.ts';

describe('what is left to an image', () => {
  it.each<[string, string | undefined]>([
    ['run deploy api --image x --region r', 'gcloud run deploy api'],
    ['builds submit .', 'gcloud builds submit'],
    ['container clusters get-credentials c', 'gcloud container clusters get-credentials'],
    ['storage cp --some-new-flag a b', 'gcloud storage cp with these flags'],
    ['storage ls --json gs://b', 'gcloud storage ls with these flags'],
    ['storage cp a gs://b', undefined],
    ['-q --project=p storage cp a gs://b', undefined],
    ['auth configure-docker europe-central2-docker.pkg.dev --quiet', undefined],
  ])('`gcloud %s` is left to the image: %s', (line, beyond) => {
    expect(beyondGcloud(line.split(' '))).toBe(beyond);
  });
});
