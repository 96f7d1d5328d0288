import { expect, it } from 'vitest';
import { parseDockerfile } from '../../../dockerfile/stages.ts';
import { outlineOf, targetsOf } from './dockerfile-outline.ts';

const parsed = parseDockerfile(
  `# V the version
ARG V=1
# build makes it
FROM golang AS build
ARG FLAGS="-v"
RUN --mount=type=secret,id=token,required=true --mount=type=cache,target=/c make
FROM other AS aside
ARG UNSEEN
FROM build
RUN --mount=type=ssh true
`,
  'Dockerfile',
);

it('lists the targets with their descriptions', () => {
  expect(targetsOf(parsed).targets).toMatchObject([
    { name: 'build', description: 'makes it', base: 'golang', location: { ranges: [{ start: { line: 4 } }] } },
    { name: 'aside', base: 'other' },
    { default: true, base: 'build' },
  ]);
});

it('outlines a target by the stages that it is made from', () => {
  const { args, secrets, ssh, cache } = outlineOf(parsed, undefined);
  expect(args).toMatchObject([
    { name: 'V', description: 'the version', value: '1' },
    { name: 'FLAGS', value: '"-v"' },
  ]);
  expect(secrets).toMatchObject([{ name: 'token', required: true }]);
  expect(ssh).toMatchObject([{ name: 'default' }]);
  expect(cache).toMatchObject([{ id: '/c' }]);
  expect(outlineOf(parsed, 'aside').args.map(({ name }) => name)).toEqual(['V', 'UNSEEN']);
  expect(() => outlineOf(parsed, 'nope')).toThrow('target stage "nope" could not be found');
});
