import { expect, test } from 'vitest';
import { DnsNames, noSuchName } from './dns-names.ts';

const A = 1;
const AAAA = 28;

test('a name has its addresses, whatever its case, and every one of them is named first at some time', () => {
  const names = new DnsNames();
  names.add(['db', 'Main'], '10.1.0.2');
  names.add(['db'], '10.1.0.3');
  expect(addressesIn(names.answer(question('MAIN', A)))).toEqual(['10.1.0.2']);
  expect(addressesIn(names.answer(question('db', A, 4)))).toEqual(['10.1.0.2', '10.1.0.3']);
  expect(addressesIn(names.answer(question('db', A, 5)))).toEqual(['10.1.0.3', '10.1.0.2']);
});

test('whoever asks for IPv6 is told that there is none, and not that there is no such name', () => {
  const names = new DnsNames();
  names.add(['db'], '10.1.0.2');
  const answer = names.answer(question('db', AAAA));
  expect([answer?.readUInt16BE(2), answer?.readUInt16BE(6)]).toEqual([0x8180, 0]);
});

test('a name that begins with a star stands for all that end so, and gives way to the very name', () => {
  const names = new DnsNames();
  names.add(['*-docker.pkg.dev', 'own-docker.pkg.dev'], '10.1.0.9');
  names.remove(['own-docker.pkg.dev'], '10.1.0.9');
  names.add(['own-docker.pkg.dev'], '10.1.0.2');
  expect(addressesIn(names.answer(question('Europe-docker.pkg.dev', A)))).toEqual(['10.1.0.9']);
  expect(addressesIn(names.answer(question('own-docker.pkg.dev', A)))).toEqual(['10.1.0.2']);
  expect(names.answer(question('docker.pkg.dev', A))).toBeUndefined();
  names.remove(['*-docker.pkg.dev'], '10.1.0.9');
  expect(names.answer(question('europe-docker.pkg.dev', A))).toBeUndefined();
});

test('other names, forgotten ones and bad messages are not ours', () => {
  const names = new DnsNames();
  names.add(['db'], '10.1.0.2');
  names.add(['db'], '10.1.0.3');
  names.remove(['db'], '10.1.0.2');
  expect(addressesIn(names.answer(question('db', A)))).toEqual(['10.1.0.3']);
  names.remove(['db'], '10.1.0.3');
  const whole = question('db', A);
  for (const message of [whole, question('db.example.com', A), Buffer.alloc(12), Buffer.alloc(3)]) {
    expect(names.answer(message)).toBeUndefined();
  }
  names.add(['db'], '10.1.0.2');
  for (let length = 0; length < whole.length; length++) {
    expect(names.answer(whole.subarray(0, length))).toBeUndefined();
  }
});

test('a refusal carries the question back', () => {
  const answer = noSuchName(question('nowhere', A, 77));
  expect([answer?.readUInt16BE(0), answer?.readUInt16BE(2)]).toEqual([77, 0x8183]);
});

function question(name: string, type: number, id = 4): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, ...labels, Buffer.of(0, 0, type, 0, 1)]);
}

function addressesIn(answer: Buffer | undefined): string[] {
  if (answer === undefined) return [];
  const count = answer.readUInt16BE(6);
  const records = answer.subarray(answer.length - 16 * count);
  return Array.from({ length: count }, (_, index) => [...records.subarray(index * 16 + 12, index * 16 + 16)].join('.'));
}
