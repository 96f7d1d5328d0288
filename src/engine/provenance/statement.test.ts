import { expect, it } from 'vitest';
import { digestOf } from '../../images/digest.ts';
import { MEDIA } from '../../images/media-types.ts';
import { Materials } from './materials.ts';
import { type ProvenanceFacts, provenanceStatement } from './statement.ts';

const LINUX = { os: 'linux', architecture: 'amd64' };
const digest = digestOf('manifest');

const REPOSITORY = 'https://me:token@git.example/team/app.git?ref=main';

function statement(detail: 'min' | 'max', materials = new Materials(), url = REPOSITORY) {
  const facts: ProvenanceFacts = {
    detail,
    manifest: { mediaType: MEDIA.ociManifest, digest, size: 8 },
    names: ['docker.io/library/api:1'],
    request: {
      context: { kind: 'url', url },
      buildArgs: { PASSWORD: 'argument' },
      labels: { team: 'label' },
      noCache: false,
      network: { kind: 'none' },
    },
    dockerfile: { name: 'Dockerfile', digest: digestOf('FROM x') },
    target: 'api',
    platform: LINUX,
    buildPlatform: LINUX,
    materials: materials.list,
    layers: [{ digest: digestOf('layer'), text: 'COPY a b' }],
    invocation: 'owner/1',
    startedAt: 0,
    finishedAt: 1000,
  };
  return JSON.stringify(provenanceStatement(facts));
}

it('names the image by its familiar name and digest, and the build in times and kind', () => {
  expect(JSON.parse(statement('min'))).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'api:1', digest: { sha256: digest.slice('sha256:'.length) } }],
    predicate: {
      runDetails: { metadata: { startedOn: '1970-01-01T00:00:00.000Z', finishedOn: '1970-01-01T00:00:01.000Z' } },
    },
  });
});

it('says arguments, labels and layers only in full detail, and passwords never', () => {
  for (const word of ['argument', 'label', 'COPY a b']) {
    expect(statement('min')).not.toContain(word);
    expect(statement('max')).toContain(word);
  }
  expect(statement('max')).toContain('https://git.example/team/app.git?ref=main');
  expect(statement('max')).not.toContain('token');
  const signed = statement('max', new Materials(), 'https://bucket.example/context.tgz?X-Amz-Signature=signature');
  expect(signed).toContain('https://bucket.example/context.tgz');
  expect(signed).not.toContain('signature');
});

it('lists each thing that was taken in once, by what it was in the end', () => {
  const materials = new Materials();
  materials.noteImage('debian', digestOf('image'), LINUX);
  materials.noteImage('debian', digestOf('image'), LINUX);
  materials.noteImage('host.example/a/b:2', digestOf('other'), LINUX);
  materials.noteFile('https://example.org/a', digestOf('before'));
  materials.noteFile('https://example.org/a', digestOf('after'));
  materials.noteCommit('https://x:y@git.example/a.git', 'c0ffee');
  expect(materials.list.map(({ uri }) => uri)).toEqual([
    'pkg:docker/debian@latest?platform=linux%2Famd64',
    'pkg:docker/host.example/a/b@2?platform=linux%2Famd64',
    'https://example.org/a',
    'git+https://git.example/a.git@c0ffee',
  ]);
  expect(materials.list[2]?.digest).toEqual({ sha256: digestOf('after').slice('sha256:'.length) });
});
