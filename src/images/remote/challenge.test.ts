import { expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

it.each([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      ],
    ],
  ],
  ['Basic realm="a \\"quoted\\" one"', [['basic', { realm: 'a "quoted" one' }]]],
  [
    'BASIC Realm=x, bearer realm = "y" , error="insufficient_scope"',
    [
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y', error: 'insufficient_scope' }],
    ],
  ],
  [
    'Negotiate, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['', []],
])('reads %s', (header, challenges) => {
  expect(read(header)).toEqual(challenges);
});
