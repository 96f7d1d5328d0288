import { expect, it } from 'vitest';
import { aliasOf } from './image-alias.ts';

const ALIASES = {
  'gcr.io/cloud-builders/npm': 'europe-central2-docker.pkg.dev/p/base/npm',
  'node:18': 'europe-central2-docker.pkg.dev/p/base/node:18-ours',
  docker: 'gcr.io/cloud-builders/docker:latest',
};

it.each([
  ['gcr.io/cloud-builders/npm', 'europe-central2-docker.pkg.dev/p/base/npm'],
  ['gcr.io/cloud-builders/npm:node-18', 'europe-central2-docker.pkg.dev/p/base/npm:node-18'],
  ['docker.io/library/node:18', 'europe-central2-docker.pkg.dev/p/base/node:18-ours'],
  ['node:20', 'node:20'],
  ['node', 'node'],
  ['docker:28-cli', 'gcr.io/cloud-builders/docker:latest'],
  ['gcr.io/cloud-builders/npmx', 'gcr.io/cloud-builders/npmx'],
])('%s is served as %s', (name, expected) => {
  expect(aliasOf(name, ALIASES)).toBe(expected);
});

it('refuses a name that is none', () => {
  expect(() => aliasOf('Gcr.io/Nope/X:', {})).toThrow(/invalid reference format/);
});
