import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBench } from '../build-log/build-bench.ts';
import { doorOfBench } from './door-of-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let door: FastifyInstance;
beforeAll(async () => {
  bench = await openBench();
  door = await doorOfBench(bench, { t: { kind: 'token', name: 'w', grants: [{ role: 'writer', project: 'p1' }] } });
});
afterAll(async () => {
  await door.close();
  await bench.close();
});

const nested = (depth: number) => `{"steps":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const names = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const doubling = Object.fromEntries(
  names.map((name, i) => [`_${name}`, i === 0 ? 'x'.repeat(100) : `$_${names[i - 1]}`.repeat(20)]),
);

it.each<[string, string, number, RegExp]>([
  ['a hundred thousand lists in lists', nested(100_000), 400, /nested more than 30 levels/],
  [
    'values that double each other',
    JSON.stringify({
      steps: [{ name: 'x', args: ['$_Z'] }],
      substitutions: doubling,
      options: { dynamicSubstitutions: true },
    }),
    400,
    /grows beyond|too long/,
  ],
  [
    'a long value a million times',
    JSON.stringify({
      steps: Array(20).fill({ name: 'x', args: Array(100).fill('$_A'.repeat(150)) }),
      substitutions: { _A: 'x'.repeat(4000) },
    }),
    400,
    /grows beyond/,
  ],
  [
    'a pattern that is made to be slow',
    JSON.stringify({
      steps: [{ name: 'x', args: ['$_B'] }],
      substitutions: { _A: 'a'.repeat(4000), _B: `\${_A//${'a*'.repeat(900)}b/x}` },
      options: { dynamicSubstitutions: true },
    }),
    400,
    /too long to match/,
  ],
  [
    'thirty thousand unknown fields',
    JSON.stringify(Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`field${i}`, 1]))),
    400,
    /Unknown name/,
  ],
  [
    'sixty thousand steps',
    JSON.stringify({ steps: Array(60_000).fill({ name: 'x' }) }),
    400,
    /cannot specify more than 300 build steps/,
  ],
  ['__proto__', '{"steps":[{"name":"x"}],"__proto__":{"polluted":1}}', 400, /./],
  ['__proto__ among substitutions', '{"steps":[{"name":"x"}],"substitutions":{"__proto__":"x"}}', 400, /./],
  ['no JSON', '{"steps":[\u0000', 400, /./],
  ['a hundred megabytes', `{"steps":[{"name":"${'x'.repeat(100 << 20)}"}]}`, 400, /longer than/],
])('refuses %s at once, in words', async (_, payload, status, message) => {
  const began = process.cpuUsage();
  const answer = await door.inject({
    method: 'POST',
    url: '/v1/projects/p1/locations/europe-central2/builds?alt=json',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
    payload,
  });
  const { user } = process.cpuUsage(began);
  expect(answer.statusCode).toBe(status);
  expect(answer.json().error.message).toMatch(message);
  expect(answer.body.length).toBeLessThan(20_000);
  expect(user / 1000).toBeLessThan(1000);
  expect({}).not.toHaveProperty('polluted');
});
