import { Checksums } from '../../stores/buckets/checksums.ts';
import { Wildcard } from '../run/wildcard.ts';
import { gsutilSize } from '../sources/binary-size.ts';
import { objectsBelow } from './objects.ts';
import { CommandException, type GsutilCommand, splitFlags } from './session.ts';
import { copyItems } from './sources.ts';
import { formatPlace, hasWildcard, literalPrefix, parsePlace } from './urls.ts';

/** `gsutil hash FILE...`: checksums as Cloud Storage has them, of files and of objects. */
export const hash: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('hash', args, { switches: 'chm' });
  const both = flags.has('c') === flags.has('m');
  for await (const { from } of copyItems(rest, false, session)) {
    const stored = from.kind === 'cloud' ? from.object : undefined;
    const measured = new Checksums();
    if (from.kind === 'file') for await (const chunk of await session.files.read(from.path)) measured.update(chunk);
    const encoded = (text: string) =>
      flags.has('h') ? Buffer.from(text, 'base64').toString('hex').toUpperCase() : text;
    const name =
      from.kind === 'file'
        ? from.shown
        : formatPlace({ kind: 'cloud', bucket: from.object.bucket, path: from.object.name });
    const { crc32c, md5 } = stored ?? measured;
    session.out(`Hashes [${flags.has('h') ? 'hex' : 'base64'}] for ${name}:`);
    if (both || flags.has('c')) session.out(`\tHash (crc32c):\t\t${encoded(crc32c)}`);
    if (md5 !== undefined && (both || flags.has('m'))) session.out(`\tHash (md5):\t\t${encoded(md5)}`);
  }
  return 0;
};

/** `gsutil du [-s] [-h] [-c] URL...`: bytes of objects. */
export const du: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('du', args, { switches: 'ahscn0', values: 'eX' });
  let total = 0;
  const line = (bytes: number, url: string) =>
    session.out(`${(flags.has('h') ? gsutilSize(bytes) : String(bytes)).padEnd(11)}  ${url}`);
  for (const arg of rest) {
    const place = parsePlace(arg);
    if (place.kind !== 'cloud') throw new CommandException(`"du" command does not support "file://" URLs.`);
    const test = hasWildcard(place.path) ? Wildcard.gsutil(place.path) : undefined;
    let sum = 0;
    for await (const object of objectsBelow(session.buckets, place.bucket, literalPrefix(place.path))) {
      if (test !== undefined && !test.test(object.name)) continue;
      sum += object.size;
      if (!flags.has('s')) line(object.size, formatPlace({ ...place, path: object.name }));
    }
    if (flags.has('s')) line(sum, arg.replace(/\/$/, ''));
    total += sum;
  }
  if (flags.has('c')) line(total, 'total');
  return 0;
};
