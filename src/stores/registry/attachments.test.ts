import { expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { attachmentsOf } from './attachments.ts';

it('finds what is attached by subject, by the fallback tag, and by the tags of signing tools', () => {
  const image = { digest: digestOf('image'), tags: ['v1'] };
  const long = { digest: digestOf('long', 'sha512'), tags: [] };
  const hex = long.digest.slice('sha512:'.length);
  const sbom = { digest: digestOf('sbom'), tags: ['sbom', tagOf(image.digest)], subject: image.digest };
  const fallback = { digest: digestOf('fallback'), tags: [tagOf(image.digest)] };
  const signature = { digest: digestOf('signature'), tags: [`${tagOf(image.digest)}.sig`] };
  const ofLong = { digest: digestOf('of long'), tags: [`sha512-${hex.slice(0, 64)}`] };
  const ofItself = { digest: digestOf('itself'), tags: [tagOf(digestOf('itself'))] };
  const ofNothing = { digest: digestOf('nothing'), tags: ['sha256-4f2c', `sha512-${'0'.repeat(64)}`] };
  const all = [image, long, sbom, fallback, signature, ofLong, ofItself, ofNothing];
  expect(attachmentsOf(all)).toEqual(
    new Map([
      [image.digest, [sbom, fallback, signature]],
      [long.digest, [ofLong]],
    ]),
  );
});

function tagOf(digest: string): string {
  return digest.replace(':', '-');
}
