import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pathBytes, pathText } from './path-text.ts';

it('carries any bytes through a string and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(pathBytes(pathText(bytes))).toEqual(Buffer.from(bytes));
    }),
  );
});

it('leaves ordinary names as they are', () => {
  expect(pathText(Buffer.from('zażółć/日本/😀'))).toBe('zażółć/日本/😀');
  expect(pathText(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\udcffb');
});
