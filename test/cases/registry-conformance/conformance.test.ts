import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';
import { conformanceCases, PROFILES } from './case-table.ts';
import { Conversation } from './conversation.ts';

/** A list of the cases of others, with their ids, where somebody has put one. */
const LIST = join(import.meta.dirname, '../../../../shared/reference/distribution-conformance-cases.json');

const cases = await conformanceCases();
const casesOf = (features: readonly string[]) =>
  cases.filter(({ needs }) => needs === undefined || features.includes(needs));

describe('the table of conformance cases', () => {
  it('has each case once', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  it('is as long in each profile as it was counted', () => {
    const counts = Object.entries(PROFILES).map(([profile, features]) => [profile, casesOf(features).length]);
    expect(Object.fromEntries(counts)).toEqual({ '1.0': 396, '1.1': 416, dev: 449 });
  });

  it.skipIf(!existsSync(LIST))('leaves out none of the list of others (skipped without that list)', () => {
    const list = JSON.parse(readFileSync(LIST, 'utf8')) as { cases: { id: string }[] };
    expect(list.cases).toHaveLength(380);
    const ours = new Set(cases.map(({ id }) => id));
    expect(list.cases.map(({ id }) => id).filter((id) => !ours.has(id))).toEqual([]);
  });
});

let server: RegistryServer;
let secret: string;
beforeAll(async () => {
  server = await startRegistryServer();
  secret = await server.token({ role: 'admin', project: 'conformance' });
});
afterAll(() => server.close());

for (const [profile, features] of Object.entries(PROFILES))
  describe(`distribution spec, profile ${profile}`, () => {
    let conversation: Conversation;
    beforeAll(() => {
      conversation = new Conversation(server.host, secret, `v${profile}`, new Set(features));
    });
    for (const { id, run } of casesOf(features)) it(id, () => run(conversation));
  });
