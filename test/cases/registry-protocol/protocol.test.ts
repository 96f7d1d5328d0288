import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callRegistry } from '../../wire/registry-call.ts';
import { type RegistryServer, startRegistryServer } from '../../wire/registry-server.ts';
import { CaseNames, type ProtocolStep, readProtocolCases } from './protocol-cases.ts';

let server: RegistryServer;
const secrets: Record<string, string> = { wrong: `slw_0123456789abcdef_${'A'.repeat(43)}` };

beforeAll(async () => {
  server = await startRegistryServer();
  secrets['writer'] = await server.token({ role: 'admin', project: 'p' });
  secrets['reader'] = await server.token({ role: 'reader', project: 'p' });
  secrets['stranger'] = await server.token({ role: 'admin', project: 'q' });
});
afterAll(() => server.close());

for (const [i, { subject, cases }] of readProtocolCases().entries())
  describe(`registry protocol: ${subject}`, () => {
    for (const [j, one] of cases.entries())
      it(one.title, async () => {
        const names = new CaseNames(one.contents, `${i}-${j}`);
        for (const [k, step] of one.steps.entries()) await play(step, names, `step ${k + 1}: ${step.do ?? step.push}`);
      });
  });

async function play(step: ProtocolStep, names: CaseNames, label: string): Promise<void> {
  if (step.push !== undefined) {
    const bytes = names.bytes(step.push);
    const path = names.fill(`/v2/${step.to ?? '{repo}'}/blobs/uploads/?digest={sha256:${step.push}}`);
    expect(
      (await callRegistry(server.host, 'POST', path, { secret: secrets['writer'], body: bytes })).status,
      label,
    ).toBe(201);
    return;
  }
  const [method = '', path = ''] = names.fill(step.do ?? '').split(' ');
  const cut = (name: string) => names.bytes(name).subarray(step.from ?? 0, Number(step.to ?? Number.MAX_SAFE_INTEGER));
  const answer = await callRegistry(server.host, method, path, {
    secret: secrets[step.as ?? 'writer'],
    headers: step.headers === undefined ? undefined : (names.fillJson(step.headers) as Record<string, string>),
    streamed: step.streamed,
    body: step.body === undefined ? undefined : cut(step.body),
  });
  expect(answer.status, `${label}: ${answer.body.subarray(0, 300)}`).toBe(step.status);
  for (const [header, expected] of Object.entries(step.answer ?? {})) {
    const value = answer.headers[header.toLowerCase()]?.toString();
    const wanted = names.fill(expected ?? '');
    if (expected === null) expect(value, `${label}: ${header}`).toBeUndefined();
    else if (/^\/.*\/$/.test(expected) && !expected.startsWith('/v2/'))
      expect(value, `${label}: ${header}`).toMatch(new RegExp(wanted.slice(1, -1)));
    else expect(value, `${label}: ${header}`).toBe(wanted);
  }
  if (step.bytes === '') expect(answer.body).toHaveLength(0);
  else if (step.bytes !== undefined) expect(answer.body.equals(cut(step.bytes)), `${label}: bytes`).toBe(true);
  if (step.json !== undefined)
    expect(JSON.parse(answer.body.toString()), label).toMatchObject(names.fillJson(step.json) as object);
  for (const name of step.contains ?? [])
    expect(JSON.parse(answer.body.toString()).repositories, label).toContain(names.fill(name));
  for (const name of step.lacks ?? [])
    expect(JSON.parse(answer.body.toString()).repositories, label).not.toContain(names.fill(name));
  const location = answer.headers.location;
  if (location !== undefined) names.remember(step.keep ?? 'location', location);
}
