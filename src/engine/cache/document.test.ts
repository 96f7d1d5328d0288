import { expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { Problem } from '../../lib/problem.ts';
import { readDocument, writeDocument } from './document.ts';
import { exportable } from './export-cache.ts';
import type { ForeignRecord } from './imported.ts';
import { INLINE_CACHE, inlineCache, readInlineCache } from './inline.ts';

const layerOf = (name: string) => ({
  diffID: digestOf(`tar ${name}`),
  blob: { mediaType: MEDIA.ociLayerGzip, digest: digestOf(`blob ${name}`), size: 10 },
});
const recordOf = (name: string, more: Partial<ForeignRecord> = {}): ForeignRecord => ({
  key: digestOf(name).slice('sha256:'.length),
  layer: layerOf(name),
  contentDigest: digestOf(`content ${name}`),
  position: 'Dockerfile#0#1',
  text: `RUN ${name}`,
  inputs: [{ kind: 'arg', name: 'V', value: 'digest', shown: '1' }],
  durationMs: 5,
  createdAt: 1_700_000_000_000,
  ...more,
});
const used = (record: ForeignRecord) => ({ record: { ...record, build: 'build:1' }, inputs: () => record.inputs });

it('reads what it wrote, and writes the same for the same records', () => {
  const records = [recordOf('a'), recordOf('b', { layer: undefined })];
  const bytes = writeDocument(records);
  expect(readDocument(bytes)).toEqual(
    expect.arrayContaining([recordOf('a'), expect.objectContaining({ text: 'RUN b' })]),
  );
  expect(writeDocument(records.toReversed())).toEqual(bytes);
});

it('leaves out what can be guessed from the digest of a secret, and the name of the build', () => {
  const secret = recordOf('a', { inputs: [{ kind: 'arg', name: 'API_TOKEN', value: 'digest of hush' }] });
  const text = writeDocument(exportable([used(secret)], 'max', [])).toString();
  expect(text).not.toContain('hush');
  expect(text).not.toContain('build:1');
});

it.each<[what: string, text: string]>([
  ['no JSON', 'x'],
  ['another version', '{"version":2,"records":[]}'],
  ['a digest that is none', JSON.stringify({ version: 1, records: [{ ...recordOf('a'), contentDigest: '../x' }] })],
  ['a key that is none', JSON.stringify({ version: 1, records: [{ ...recordOf('a'), key: '__proto__' }] })],
])('refuses %s', (_, text) => {
  expect(() => readDocument(Buffer.from(text))).toThrow(Problem);
});

it('exports no result of a RUN that saw a secret', () => {
  const inputs = [{ kind: 'private', name: '--mount=type=secret,target=/run/secrets/x', value: '' }];
  expect(exportable([used(recordOf('a', { inputs })), used(recordOf('b'))], 'max', []).map(({ text }) => text)).toEqual(
    ['RUN b'],
  );
});

it('leaves the layers that no image has to mode=max', () => {
  const records = [used(recordOf('a')), used(recordOf('b')), used(recordOf('c', { layer: undefined }))];
  const texts = (mode: 'min' | 'max') => exportable(records, mode, [layerOf('b')]).map(({ text }) => text);
  expect(texts('min')).toEqual(['RUN b', 'RUN c']);
  expect(texts('max')).toEqual(['RUN a', 'RUN b', 'RUN c']);
});

it('finds its records in an image again, by BuildKit layout', () => {
  const layers = [layerOf('base'), layerOf('a')];
  const text = inlineCache([recordOf('a'), recordOf('elsewhere')], layers);
  const [written, ...rest] = JSON.parse(Buffer.from(text, 'base64').toString());
  expect(rest).toEqual([]);
  expect(written).toMatchObject({
    digest: digestOf('a'),
    layers: [{ layer: 1, createdAt: '2023-11-14T22:13:20.000Z' }],
  });
  expect(readInlineCache({ [INLINE_CACHE]: text }, layers)).toEqual([
    expect.objectContaining({ key: recordOf('a').key, layer: layerOf('a'), contentDigest: digestOf('content a') }),
  ]);
});

it.each<[what: string, config: object]>([
  ['has none', {}],
  ['has no base64', { [INLINE_CACHE]: '%' }],
  [
    "is BuildKit's own",
    { [INLINE_CACHE]: Buffer.from(JSON.stringify([{ digest: digestOf('x') }])).toString('base64') },
  ],
  [
    'names a layer that is not there',
    { [INLINE_CACHE]: inlineCache([recordOf('a')], [layerOf('base'), layerOf('a')]) },
  ],
])('takes no records from an image whose cache %s', (_, config) => {
  expect(readInlineCache(config, [layerOf('base')])).toEqual([]);
});
