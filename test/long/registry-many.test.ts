import { afterAll, beforeAll, describe, it } from 'vitest';
import { largeManifests, manySessions, manyTags } from '../fault/registry-many/many.ts';
import { RegistryProcess } from '../fault/registry-many/registry-process.ts';

/** The same as in fault/registry-many, in the numbers of a large house. */
describe('a registry with very much of everything', () => {
  let server: RegistryProcess;
  beforeAll(async () => {
    server = await RegistryProcess.start();
  });
  afterAll(() => server.stop());

  it('holds ten thousand open uploads', () => manySessions(server, 10_000));
  it('lists a hundred thousand tags', () => manyTags(server, 100_000));
  it('takes two hundred manifests of 4 MiB', () => largeManifests(server, 200));
});
