import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { familiarName, formatReference, isRepositoryName, parseReference, withDefaultTag } from './reference.ts';

const digest = digestOf('x');

describe('parseReference', () => {
  it.each([
    ['python', 'docker.io/library/python', 'python'],
    ['python:3.11-slim', 'docker.io/library/python:3.11-slim', 'python:3.11-slim'],
    ['magglish/api', 'docker.io/magglish/api', 'magglish/api'],
    ['docker.io/python', 'docker.io/library/python', 'python'],
    ['docker.io/library/python', 'docker.io/library/python', 'python'],
    ['index.docker.io/python', 'docker.io/library/python', 'python'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/a/b/c:v1', 'localhost:5000/a/b/c:v1', 'localhost:5000/a/b/c:v1'],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    ['gcr.io/p/r/app', 'gcr.io/p/r/app', 'gcr.io/p/r/app'],
    [`app:1@${digest}`, `docker.io/library/app:1@${digest}`, `app:1@${digest}`],
    [`lab.io/a__b-c--d.e@${digest}`, `lab.io/a__b-c--d.e@${digest}`, `lab.io/a__b-c--d.e@${digest}`],
  ])('reads %s', (text, whole, familiar) => {
    expect(formatReference(parseReference(text))).toBe(whole);
    expect(familiarName(parseReference(text))).toBe(familiar);
    expect(parseReference(whole)).toEqual(parseReference(text));
  });

  it.each([
    ['', 'invalid reference format'],
    [':', 'invalid reference format'],
    ['img:', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['https://lab.io/app', 'invalid reference format'],
    ['app@sha256:12', 'invalid reference format'],
    ['BadName:1', 'invalid reference format: repository name (library/BadName) must be lowercase'],
    [`${'a'.repeat(300)}`, 'invalid reference format: repository name must not be more than 255 characters'],
    ['a'.repeat(64), `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
  ])('refuses %j in docker’s words', (text, message) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'invalid', message }));
  });

  it('adds latest only where nothing else was said', () => {
    expect(withDefaultTag(parseReference('app')).tag).toBe('latest');
    expect(withDefaultTag(parseReference(`app@${digest}`)).tag).toBeUndefined();
  });
});

it('knows repository names, which may hold words of the protocol', () => {
  expect(isRepositoryName('p/manifests/blobs')).toBe(true);
  for (const bad of ['', 'A/b', 'a/', '/a', 'a..b', 'a/../b', 'a___b']) expect(isRepositoryName(bad)).toBe(false);
});
