import { expect, it } from 'vitest';
import type { Digest } from '../../../images/digest.ts';
import { BasePulls } from './base-pulls.ts';

const digest: Digest = `sha256:${'a'.repeat(64)}`;

function told(work: (pulls: BasePulls) => void): object[] {
  const lines: object[] = [];
  work(new BasePulls((line) => lines.push(line)));
  return lines;
}

it('tells of a base whose name is new here, or that was to be asked for again', () => {
  const name = 'docker.io/library/base:1';
  expect(told((pulls) => pulls.pulled({ name, digest, fresh: false }, false))).toEqual([
    { status: 'Pulling from library/base', id: '1' },
    { status: `Digest: ${digest}` },
    { status: 'Status: Downloaded newer image for base:1' },
  ]);
  const again = told((pulls) => pulls.pulled({ name, digest, fresh: false }, true));
  expect(again.at(-1)).toEqual({ status: 'Status: Image is up to date for base:1' });
});

it('names a base that was asked for by its digest whole', () => {
  const name = `docker.io/library/base@${digest}`;
  const [first] = told((pulls) => pulls.pulled({ name, digest, fresh: true }, false));
  expect(first).toEqual({ status: 'Pulling from library/base', id: name });
});

it('shows layers on their way, and nothing else that is on its way', () => {
  const status = (item: string, current: number, done: boolean) =>
    ({ kind: 'status', id: 1, item, current, total: 100, done }) as const;
  const lines = told((pulls) => {
    pulls.listen(status(digest, 50, false));
    pulls.listen(status(digest, 100, true));
    pulls.listen(status('transferring context:', 1, false));
  });
  expect(lines).toMatchObject([
    { status: 'Pulling fs layer', id: 'aaaaaaaaaaaa' },
    { status: 'Downloading', progressDetail: { current: 50, total: 100 }, id: 'aaaaaaaaaaaa' },
    { status: 'Download complete', id: 'aaaaaaaaaaaa' },
  ]);
});
