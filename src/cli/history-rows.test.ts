import { expect, it } from 'vitest';
import type { Digest } from '../images/digest.ts';
import type { Layer } from '../images/layer.ts';
import { historyRows } from './history-rows.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const layer = (letter: string, size: number): Layer => ({
  diffID: digest(letter),
  blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digest(letter), size },
});
const config = (history?: { created_by: string; empty_layer?: boolean }[]) => ({
  os: 'linux',
  architecture: 'amd64',
  rootfs: { type: 'layers' as const, diff_ids: [] },
  ...(history === undefined ? {} : { history }),
});

it('gives layers to the entries that made one, in order', () => {
  const history = [
    { created_by: 'ADD rootfs.tar /' },
    { created_by: 'ENV A=1', empty_layer: true },
    { created_by: 'RUN make' },
  ];
  const rows = historyRows({ config: config(history), layers: [layer('a', 10), layer('b', 20)] });
  expect(rows.map(({ layer: number, bytes, createdBy }) => [number, bytes, createdBy])).toEqual([
    [1, 10, 'ADD rootfs.tar /'],
    [undefined, undefined, 'ENV A=1'],
    [2, 20, 'RUN make'],
  ]);
});

it('shows the layers of an image that brought no history', () => {
  const rows = historyRows({ config: config(), layers: [layer('a', 10), layer('b', 20)] });
  expect(rows.map(({ layer: number, createdBy }) => [number, createdBy])).toEqual([
    [1, '(no history)'],
    [2, '(no history)'],
  ]);
});

it('does not invent layers for more entries than there are', () => {
  const rows = historyRows({ config: config([{ created_by: 'a' }, { created_by: 'b' }]), layers: [layer('a', 1)] });
  expect(rows.map((row) => row.layer)).toEqual([1, undefined]);
});
