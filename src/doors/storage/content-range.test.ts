import { expect, it } from 'vitest';
import { parseContentRange } from './content-range.ts';

it.each([
  [undefined, 5, { start: 0, total: 5 }],
  ['bytes 0-4/5', 5, { start: 0, total: 5 }],
  ['bytes 262144-524287/*', 262144, { start: 262144, total: undefined }],
  ['bytes */5', 0, { total: 5 }],
  ['bytes */*', 0, { total: undefined }],
  ['bytes 4-0/5', 5, undefined],
  ['bytes 0-5/5', 6, undefined],
  ['items 0-4/5', 5, undefined],
])('Content-Range %s', (header, length, expected) => {
  expect(parseContentRange(header, length)).toEqual(expected);
});
