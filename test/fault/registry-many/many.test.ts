import { afterAll, beforeAll, describe, it } from 'vitest';
import { largeManifests, manySessions, manyTags } from './many.ts';
import { RegistryProcess } from './registry-process.ts';

/** A short form; `npm run test:long` has ten thousand sessions and a hundred thousand tags. */
describe('a registry with much of everything', () => {
  let server: RegistryProcess;
  beforeAll(async () => {
    server = await RegistryProcess.start();
  });
  afterAll(() => server.stop());

  it('holds two thousand open uploads', () => manySessions(server, 2000));
  it('lists ten thousand tags and one', () => manyTags(server, 10_001));
  it('takes manifests of 4 MiB, several at a time, and refuses longer ones', () => largeManifests(server, 16));
});
