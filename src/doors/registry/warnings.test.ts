import { describe, expect, it } from 'vitest';
import { warningHeaders } from './warnings.ts';

describe('warnings', () => {
  it('are lines of a header, with no character that ends it', () => {
    expect(warningHeaders(['old "base"', 'a\r\nSet-Cookie: b', 'C:\\'])).toEqual({
      Warning: ['299 - "old \\"base\\""', '299 - "a Set-Cookie: b"', '299 - "C:\\\\"'],
    });
  });

  it('are no header when there are none, and no more than the spec allows', () => {
    expect(warningHeaders([])).toEqual({});
    expect(warningHeaders(['x'.repeat(2000), 'y'.repeat(2000), 'z'.repeat(2000)])['Warning']).toHaveLength(2);
    expect(warningHeaders(['x'.repeat(5000)])).toEqual({});
  });
});
