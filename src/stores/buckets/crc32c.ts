/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum that Cloud Storage's clients verify. Node's zlib only has the
 * other polynomial. Eight tables take eight bytes a turn ("slicing by 8"): about 1 GB/s.
 */
const POLYNOMIAL = 0x82f63b78; // reflected
const SLICES = 8;
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    table[byte] = value;
  }
  for (let i = 256; i < table.length; i++) {
    const before = table[i - 256] as number;
    table[i] = (before >>> 8) ^ (table[before & 0xff] as number);
  }
  return table;
}

/** Continues a checksum (0 at the beginning) over more bytes; signed 32 bits. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - SLICES; at <= end; at += SLICES) {
    const low = crc ^ words.getInt32(at, true);
    const high = words.getInt32(at + 4, true);
    crc =
      (TABLE[1792 + (low & 0xff)] as number) ^
      (TABLE[1536 + ((low >>> 8) & 0xff)] as number) ^
      (TABLE[1280 + ((low >>> 16) & 0xff)] as number) ^
      (TABLE[1024 + (low >>> 24)] as number) ^
      (TABLE[768 + (high & 0xff)] as number) ^
      (TABLE[512 + ((high >>> 8) & 0xff)] as number) ^
      (TABLE[256 + ((high >>> 16) & 0xff)] as number) ^
      (TABLE[high >>> 24] as number);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ words.getUint8(at)) & 0xff] as number);
  return ~crc;
}

/** As the API writes it: base64 of the four bytes, the highest first. */
export function crc32cText(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(crc);
  return bytes.toString('base64');
}
