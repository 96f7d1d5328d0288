import { expect, it } from 'vitest';
import { Problem } from '../../lib/problem.ts';
import { missingImageAdvice } from './missing-image.ts';

const OWN = { hosts: ['*-docker.pkg.dev'], defaultLocation: 'europe-central2' };
const HOST = 'europe-central2-docker.pkg.dev';

const advice = (image: string, more: { beyond?: string; projects?: string[]; hint?: string } = {}) =>
  missingImageAdvice(
    { index: 0, asked: image, image, beyond: more.beyond, projects: more.projects ?? ['p1'] },
    new Problem('unavailable', 'no way', { hint: more.hint }),
    OWN,
  );

it('says the lines that bring a builder of Google here, where it is looked for', () => {
  expect(advice('gcr.io/cloud-builders/npm:node-18', { projects: ['p1', 'base'] })).toBe(
    [
      'This server has no image gcr.io/cloud-builders/npm:node-18. Once, where gcr.io can be reached, copy it here:',
      `  slipway copy gcr.io/cloud-builders/npm:node-18 ${HOST}/base/cloud-builders/npm:node-18`,
      'or carry it over in a file, from a machine that can reach it:',
      '  docker pull gcr.io/cloud-builders/npm:node-18 && docker save -o npm.tar gcr.io/cloud-builders/npm:node-18',
      `  slipway load -i npm.tar --tag ${HOST}/base/cloud-builders/npm:node-18 && slipway push ${HOST}/base/cloud-builders/npm:node-18`,
      'or let another image of yours stand for it, in slipway.yaml:',
      '  builds:',
      '    images:',
      '      gcr.io/cloud-builders/npm:node-18: YOUR-IMAGE',
    ].join('\n'),
  );
});

it('names the alias that makes a copy of any other image count', () => {
  const text = advice('ghcr.io/team/tool:2');
  expect(text).toContain(`  slipway copy ghcr.io/team/tool:2 ${HOST}/p1/builders/tool:2`);
  expect(text).toContain(`      ghcr.io/team/tool:2: ${HOST}/p1/builders/tool:2`);
});

it('says what was left to the image, and how set-up makes it', () => {
  const text = advice('gcr.io/cloud-builders/docker', { beyond: 'docker run' });
  expect(text).toMatch(/^docker run is nothing that this server does by itself: it runs in a container of gcr\.io/);
  expect(text).toContain('slipway seed --builders');
});

it('leaves the word to the registry where that is us', () => {
  expect(advice(`${HOST}/p1/r/api`, { hint: 'slipway tags lists what there is.' })).toBe(
    'slipway tags lists what there is.',
  );
});

it('says what buildpacks are made by', () => {
  expect(advice('gcr.io/k8s-skaffold/pack')).toMatch(/^Buildpacks are made by pack .* gcloud builds submit --tag/);
});
