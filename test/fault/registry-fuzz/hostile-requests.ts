import fc from 'fast-check';
import { digestOf } from '../../../src/images/digest.ts';

/** A request as somebody would send it who looks for a way out of the registry. */
export interface HostileRequest {
  method: string;
  path: string;
  headers: [string, string][];
  body: Buffer;
}

/** What lies in the registry under these names, so that some guesses hit. */
export const KNOWN = {
  repository: 'p/images/app',
  tag: 'v1',
  blob: Buffer.from('a layer that everybody knows'),
  manifest: Buffer.from('{"schemaVersion":2,"manifests":[]}'),
} as const;

/** Stands for the id of a session that is open when the request is sent. */
export const OPEN_UPLOAD = 'OPEN-UPLOAD';

const DIGESTS = [digestOf(KNOWN.blob), digestOf(KNOWN.manifest), digestOf(KNOWN.blob, 'sha512')];

/** Parts of paths with which servers have been left before. */
const ESCAPES = [
  '..',
  '.',
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2fslipway.db',
  '..%2f..%2ftoken',
  '%2fetc%2fpasswd',
  '..%5c..',
  '%00',
  'a%00.json',
  '%c0%ae%c0%ae',
  '%ff%fe',
  '%',
  '%zz',
  '~',
  '//',
  '',
  'sha256',
  'ingest',
  'uploads',
  'slipway.db',
  'CON',
  '${jndi:x}',
  "'--",
  '"><script>',
  '*',
  '{name+}',
  'constructor',
  '__proto__',
];

const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ESCAPES) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('p', 'images', 'app', 'v1', 'blobs', 'manifests', 'uploads', 'tags', 'list'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }).map(encodeSome) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 6000 }).map((n) => 'x'.repeat(n)) },
);

/** What no request line can carry is encoded, as UTF-8; what is merely odd goes as it is. */
function encodeSome(text: string): string {
  return [...text]
    .map((c) => (/[\s\x00-\x1f#?]/.test(c) || c > '~' ? encodeURIComponent(Buffer.from(c).toString()) : c))
    .join('');
}

const name = fc.oneof(
  { weight: 5, arbitrary: fc.constant<string>(KNOWN.repository) },
  { weight: 3, arbitrary: fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('/')) },
);

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 0, maxLength: 140 });
const digest = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string>(...DIGESTS) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('sha256', 'sha512', 'md5', 'SHA256', '..', ''), hex).map((p) => p.join(':')),
  },
  { weight: 2, arbitrary: word },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('sha256:', 'sha512:'), word).map((p) => p.join('')) },
  { weight: 1, arbitrary: fc.constantFrom(...DIGESTS).map((d) => encodeURIComponent(d)) },
);
const upload = fc.oneof(
  { weight: 4, arbitrary: fc.constant(OPEN_UPLOAD) },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 2, arbitrary: word },
  { weight: 1, arbitrary: fc.constantFrom(`${OPEN_UPLOAD}.json`, `../uploads/${OPEN_UPLOAD}`, `${OPEN_UPLOAD}%00`) },
);
const reference = fc.oneof(fc.constant<string>(KNOWN.tag), word, digest);

/** A path, and the methods that it has; now and then another one. */
function target(weight: number, path: fc.Arbitrary<string>, ...methods: string[]) {
  const method = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...methods) },
    { weight: 1, arbitrary: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS') },
  );
  return { weight, arbitrary: fc.tuple(method, path) };
}

const targets = fc.oneof(
  target(
    3,
    fc.tuple(name, digest).map(([n, d]) => `/v2/${n}/blobs/${d}`),
    'GET',
    'GET',
    'HEAD',
    'DELETE',
  ),
  target(
    4,
    fc.tuple(name, reference).map(([n, r]) => `/v2/${n}/manifests/${r}`),
    'PUT',
    'PUT',
    'GET',
    'HEAD',
    'DELETE',
  ),
  target(
    4,
    fc.tuple(name, upload).map(([n, u]) => `/v2/${n}/blobs/uploads/${u}`),
    'PATCH',
    'PUT',
    'GET',
    'DELETE',
  ),
  target(
    2,
    name.map((n) => `/v2/${n}/blobs/uploads/`),
    'POST',
  ),
  target(
    1,
    name.map((n) => `/v2/${n}/tags/list`),
    'GET',
  ),
  target(
    1,
    fc.tuple(name, digest).map(([n, d]) => `/v2/${n}/referrers/${d}`),
    'GET',
  ),
  target(
    1,
    fc.array(word, { maxLength: 6 }).map((words) => `/v2/${words.join('/')}`),
    'GET',
    'PUT',
  ),
  target(1, fc.constantFrom('/v2/_catalog', '/v2/token', '/v2', '/v2/', 'http://elsewhere/v2/', '*'), 'GET', 'POST'),
);

const query = fc
  .array(
    fc.tuple(
      fc.constantFrom('digest', 'mount', 'from', 'n', 'last', 'tag', 'artifactType', 'digest-algorithm', 'scope', 'ns'),
      fc.oneof(digest, name, word, fc.integer().map(String)),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('=')).join('&')}`));

const range = fc.oneof(
  fc
    .tuple(fc.constantFrom('bytes=', '', 'bytes ', 'lines='), fc.integer(), fc.integer())
    .map(([u, a, b]) => `${u}${a}-${b}`),
  fc
    .array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 40 })
    .map((all) => `bytes=${all.map((p) => p.join('-')).join(',')}`),
  fc.constantFrom(
    'bytes=-',
    'bytes=--1',
    'bytes=1e3-',
    'bytes=0-99999999999999999999999',
    '0-5',
    '5-0',
    '-1-5',
    'bytes 0-5/*',
  ),
);
const text = fc.string({ maxLength: 60 }).map((value) => value.replace(/[\r\n\0]/g, ' ').trim());
const header = fc.oneof(
  fc.tuple(fc.constantFrom('Range', 'Content-Range'), range),
  fc.tuple(
    fc.constant('Content-Type'),
    fc.oneof(
      text,
      fc.constantFrom(
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json; charset=utf-8',
        'application/vnd.docker.distribution.manifest.v1+prettyjws',
        'application/x-www-form-urlencoded',
        '../../type',
      ),
    ),
  ),
  fc.tuple(
    fc.constantFrom('If-Match', 'If-None-Match', 'If-Range'),
    fc.oneof(text, fc.constantFrom('*', `"${DIGESTS[0]}"`)),
  ),
  fc.tuple(fc.constantFrom('Accept', 'X-Forwarded-Host', 'Docker-Upload-UUID', 'Content-Encoding'), text),
);

const body = fc.oneof(
  { weight: 3, arbitrary: fc.constant(Buffer.alloc(0)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 2, arbitrary: fc.json().map((json) => Buffer.from(json)) },
  { weight: 4, arbitrary: validIndex().map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 3, arbitrary: manifestLike().map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.constantFrom<Buffer>(KNOWN.blob, KNOWN.manifest) },
);

/** An index that is taken, whatever its texts say. */
function validIndex(): fc.Arbitrary<unknown> {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...ESCAPES));
  const descriptor = fc.record({
    mediaType: fc.constant('application/vnd.oci.image.manifest.v1+json'),
    digest: fc.constantFrom(...DIGESTS),
    size: fc.nat(),
  });
  return fc.record(
    {
      schemaVersion: fc.constant(2),
      manifests: fc.array(descriptor, { maxLength: 3 }),
      artifactType: text,
      subject: descriptor,
      annotations: fc.dictionary(text, text),
    },
    { requiredKeys: ['schemaVersion', 'manifests'] },
  );
}

/** Manifests with any part of them replaced. */
function manifestLike(): fc.Arbitrary<unknown> {
  const descriptor = fc.record(
    {
      mediaType: fc.oneof(fc.constant('application/vnd.oci.image.manifest.v1+json'), fc.jsonValue()),
      digest: fc.oneof(fc.constantFrom<string>(...DIGESTS), digest, fc.jsonValue()),
      size: fc.oneof(fc.nat(), fc.jsonValue()),
      urls: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  return fc.record(
    {
      schemaVersion: fc.constantFrom<unknown>(2, 2, 2, 1, '2'),
      mediaType: fc.constantFrom(
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json',
        7,
      ),
      artifactType: fc.oneof(fc.string(), fc.jsonValue()),
      config: fc.oneof(descriptor, fc.jsonValue()),
      layers: fc.oneof(fc.array(descriptor, { maxLength: 3 }), fc.jsonValue()),
      manifests: fc.oneof(fc.array(descriptor, { maxLength: 3 }), fc.jsonValue()),
      subject: fc.oneof(descriptor, fc.jsonValue()),
      annotations: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
    },
    { requiredKeys: ['schemaVersion'] },
  );
}

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .record({ target: targets, query, headers: fc.array(header, { maxLength: 3 }), body })
  .map(({ target: [method, path], ...rest }) => ({ method, path: path + rest.query, ...rest }));
