import { describe, expect, it } from 'vitest';
import type { ImageConfig } from '../../images/config.ts';
import { digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { historyImage, normalised, sawEnvironment, stepAt } from './image-history.ts';

const layerOf = (name: string) => ({
  diffID: digestOf(name),
  blob: { mediaType: MEDIA.ociLayerGzip, digest: digestOf(`gz ${name}`), size: 1 },
});
const [base, run] = [layerOf('base'), layerOf('run')];

function imageOf(history: ImageConfig['history'], env: string[] = ['PATH=/bin', 'MODE=test']) {
  const config: ImageConfig = {
    ...{ os: 'linux', architecture: 'amd64', config: { Env: env }, history: history ?? [] },
    rootfs: { type: 'layers', diff_ids: [base.diffID, run.diffID] },
  };
  return historyImage(config, [base, run]);
}

const HISTORY = [
  { created_by: '/bin/sh -c #(nop) ADD file:1234 in / ' },
  { created_by: '/bin/sh -c #(nop)  CMD ["sh"]', empty_layer: true },
  { created_by: 'ENV MODE=test', empty_layer: true },
  { created_by: 'RUN |1 V=1 /bin/sh -c make # buildkit' },
];
const ours = (...more: string[]) => ['/bin/sh -c #(nop) ADD file:1234 in / ', 'CMD ["sh"]', 'ENV MODE=test', ...more];

it.each([
  ['RUN /bin/sh -c make # buildkit', 'RUN /bin/sh -c make'],
  ['/bin/sh -c make', 'RUN /bin/sh -c make'],
  ['|1 V=2 /bin/sh -c make', 'RUN |1 V=2 /bin/sh -c make'],
  ['/bin/sh -c #(nop) COPY file:12 in /a.txt ', 'COPY file:12 in /a.txt'],
  ['COPY a.txt /a.txt # buildkit', 'COPY a.txt /a.txt'],
  ['/bin/sh -c #(nop)  ENV A=b', 'ENV A=b'],
])('brings %s to one form', (written, text) => {
  expect(normalised(written)).toBe(text);
});

describe('the step of an image', () => {
  const image = imageOf(HISTORY);
  if (image === undefined) throw new Error('no image');

  it('is the one that stands on the same layers and the same words', () => {
    expect(stepAt(image, ours('RUN |1 V=1 /bin/sh -c make'), [base])).toMatchObject({ layer: 1 });
  });

  it('is the same with other labels in between', () => {
    expect(stepAt(image, ours('LABEL a=b', 'RUN x'), [base])).toMatchObject({ layer: 1 });
  });

  it.each<[why: string, history: string[], layers: (typeof base)[]]>([
    ['another base', ours('RUN x'), [run]],
    ['another ENV above', [...ours().slice(0, 2), 'ENV MODE=prod', 'RUN x'], [base]],
    ['an instruction less', [...ours().slice(0, 2), 'RUN x'], [base]],
    ['an instruction more', ours('WORKDIR /app', 'RUN x'), [base]],
    ['more layers than the image has', ours('RUN x', 'RUN y'), [base, run, layerOf('more')]],
  ])('is none with %s', (_, history, layers) => {
    expect(stepAt(image, history, layers)).toBeUndefined();
  });

  it('saw an environment only if the image has it, or a later ENV took its place', () => {
    const step = stepAt(image, ours('RUN x'), [base]);
    if (step === undefined) throw new Error('no step');
    expect(sawEnvironment(image, step, ['PATH=/bin', 'MODE=test', 'V=1'])).toBe(true);
    expect(sawEnvironment(image, step, ['PATH=/bin', 'MODE=test', 'V=2'])).toBe(false);
    expect(sawEnvironment(image, step, ['PATH=/usr/bin', 'MODE=test', 'V=1'])).toBe(false);
    expect(sawEnvironment(image, step, ['PATH=/bin', 'V=1'])).toBe(false);
    const later = imageOf(
      [...HISTORY, { created_by: 'ENV PATH=/late', empty_layer: true }],
      ['PATH=/late', 'MODE=test'],
    );
    const sameStep = later && stepAt(later, ours('RUN x'), [base]);
    if (later === undefined || sameStep === undefined) throw new Error('no step');
    expect(sawEnvironment(later, sameStep, ['PATH=/usr/bin', 'MODE=test', 'V=1'])).toBe(true);
  });
});

it('needs a history that tells whose each layer is', () => {
  expect(imageOf([])).toBeUndefined();
  expect(imageOf(HISTORY.slice(0, 3))).toBeUndefined();
});
