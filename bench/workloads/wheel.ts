import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

/**
 * A pure Python package that pip installs without network: a wheel (PEP 427), which is a zip file with a RECORD of its
 * members' hashes.
 */
export function pythonWheel(name: string, modules: number): { file: string; bytes: Buffer } {
  const info = `${name}-1.0.0.dist-info`;
  const members = new Map<string, string>();
  for (let i = 0; i < modules; i++) members.set(`${name}/${i === 0 ? '__init__' : `part${i}`}.py`, moduleText(name, i));
  members.set(`${info}/METADATA`, `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`);
  members.set(
    `${info}/WHEEL`,
    'Wheel-Version: 1.0\nGenerator: slipway-bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  );
  const record = [...members].map(([path, text]) => {
    const hash = createHash('sha256').update(text).digest('base64url');
    return `${path},sha256=${hash},${Buffer.byteLength(text)}`;
  });
  members.set(`${info}/RECORD`, `${record.join('\n')}\n${info}/RECORD,,\n`);
  return { file: `${name}-1.0.0-py3-none-any.whl`, bytes: zip(members) };
}

/** About 3 KiB each, so that pip's compiling to byte code has something to do. */
function moduleText(name: string, index: number): string {
  const functions = Array.from(
    { length: 50 },
    (_, i) => `def part_${i}(x):\n    return [x + ${i * index}, '${name}${i}']\n`,
  );
  return `# part ${index} of ${name}\n${functions.join('\n')}`;
}

/** 1980-01-01 00:00 in the zip format's own encoding: the same bytes every time. */
const DATE = 0x0021;
const DEFLATE = 8;
/** 2.0: the version that deflate needs. */
const VERSION = 20;

function zip(members: ReadonlyMap<string, string>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of members) {
    const name = Buffer.from(path);
    const raw = Buffer.from(text);
    const packed = deflateRawSync(raw);
    // what a member's own header and its entry in the central directory have in common (APPNOTE 4.3.7, 4.3.12)
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION, 0);
    common.writeUInt16LE(DEFLATE, 4);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(raw), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(raw.length, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const member = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, packed]);
    directory.push(Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([VERSION, 0]), common, place, name);
    bodies.push(member);
    offset += member.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.size, 8);
  end.writeUInt16LE(members.size, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, index, end]);
}
