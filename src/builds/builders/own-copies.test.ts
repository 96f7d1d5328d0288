import { expect, it } from 'vitest';
import { ownCopies, placeForCopy } from './own-copies.ts';

const OWN = { hosts: ['*-docker.pkg.dev', '127.0.0.1:7070'], defaultLocation: 'europe-central2' };
const HOST = 'europe-central2-docker.pkg.dev';

it.each([
  ['gcr.io/cloud-builders/npm', [`${HOST}/p1/cloud-builders/npm`, `${HOST}/base/cloud-builders/npm`]],
  [
    'gcr.io/cloud-builders/npm:node-18',
    [`${HOST}/p1/cloud-builders/npm:node-18`, `${HOST}/base/cloud-builders/npm:node-18`],
  ],
  [
    'gcr.io/google.com/cloudsdktool/google-cloud-cli:slim',
    [`${HOST}/p1/cloudsdktool/google-cloud-cli:slim`, `${HOST}/base/cloudsdktool/google-cloud-cli:slim`],
  ],
  ['gcr.io/my-project/npm', []],
  ['node:20', []],
])('%s is looked for at %j', (image, expected) => {
  expect(ownCopies(image, ['p1', 'base'], OWN)).toEqual(expected);
});

it("uses our own address where Google's names are not ours", () => {
  expect(ownCopies('gcr.io/cloud-builders/git', ['p1'], { ...OWN, hosts: ['127.0.0.1:7070'] })).toEqual([
    '127.0.0.1:7070/p1/cloud-builders/git',
  ]);
});

it('has a place for every image', () => {
  expect(placeForCopy('ghcr.io/team/tool:2', 'p1', OWN)).toBe(`${HOST}/p1/builders/tool:2`);
  expect(placeForCopy('node', 'p1', OWN)).toBe(`${HOST}/p1/builders/node`);
});
