import { describe, expect, it } from 'vitest';
import { Checksums } from './checksums.ts';
import { crc32c, crc32cText } from './crc32c.ts';

describe('crc32c', () => {
  it('agrees with the published vectors', () => {
    // RFC 3720 B.4, written there in wire order; here as numbers
    expect(crc32c(Buffer.from('123456789')) >>> 0).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32)) >>> 0).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff)) >>> 0).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))) >>> 0).toBe(0x46dd794e);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  it('is the same however the bytes are cut', () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) % 251));
    const whole = crc32c(bytes);
    for (let cut = 0; cut <= 40; cut++) expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(whole);
  });

  it('is written with the highest byte first', () => {
    expect(crc32cText(crc32c(Buffer.from('hello world')))).toBe('yZRlqg==');
  });
});

describe('checksums', () => {
  it('can be read on the way, and continued from a copy', () => {
    const first = new Checksums();
    first.update(Buffer.from('hello '));
    const second = new Checksums(first);
    second.update(Buffer.from('world'));
    expect(first.md5).toBe('+BSJN3e8wilf/wXwDlCNpg==');
    expect([second.crc32c, second.md5, second.size]).toEqual(['yZRlqg==', 'XrY7u+Ae7tCTyyK7j1rNww==', 11]);
  });
});
