import { describe, expect, it } from 'vitest';
import type { ContainerImageConfig } from '../container-images.ts';
import type { ContainerRequest } from '../container-request.ts';
import { completeRequest } from './complete-request.ts';
import { planMounts } from './plan-mounts.ts';

const image: ContainerImageConfig = {
  entrypoint: ['/entry'],
  command: ['serve'],
  env: ['PATH=/bin', 'MODE=image'],
  cwd: '/srv',
  user: 'app',
  labels: { from: 'image', both: 'image' },
  volumes: ['/data'],
  exposedPorts: ['80/tcp'],
  stopSignal: 'SIGINT',
};
const request = {
  image: 'box',
  env: [],
  labels: {},
  exposedPorts: [],
  mounts: [],
} as unknown as ContainerRequest;
const complete = (changes: Partial<ContainerRequest>) => completeRequest({ ...request, ...changes }, image);

describe('the command line of a container', () => {
  it.each([
    [{}, ['/entry', 'serve']],
    [{ command: ['other'] }, ['/entry', 'other']],
    [{ entrypoint: ['/mine'] }, ['/mine']],
    [{ entrypoint: ['/mine'], command: ['x'] }, ['/mine', 'x']],
    [{ entrypoint: [] }, ['serve']],
    [{ entrypoint: [''], command: ['x'] }, ['x']],
  ] as [Partial<ContainerRequest>, string[]][])('of %j is %j', (changes, args) => {
    expect(complete(changes).process.args).toEqual(args);
  });

  it('has to be there', () => {
    expect(() => complete({ entrypoint: [''] })).toThrow('No command specified');
  });
});

it('takes variables, labels, ports and the stop signal together', () => {
  const { request: shown, process } = complete({
    env: ['MODE=asked', 'NEW=1', 'PATH'],
    labels: { both: 'asked' },
    exposedPorts: ['443/tcp', '80/tcp'],
  });
  expect(process).toEqual({ args: ['/entry', 'serve'], env: ['MODE=asked', 'NEW=1'], cwd: '/srv', user: 'app' });
  expect(shown).toMatchObject({
    labels: { from: 'image', both: 'asked' },
    exposedPorts: ['443/tcp', '80/tcp'],
    stopSignal: 'SIGINT',
  });
});

it('refuses a working folder that is no place', () => {
  expect(() => complete({ cwd: 'rel' })).toThrow(
    "the working directory 'rel' is invalid, it needs to be an absolute path",
  );
});

describe('mounts', () => {
  const bind = (target: string) => ({ kind: 'bind', source: '/s', target, readonly: false, create: true }) as const;

  it('come parents first, with a volume for each that the image declares and nobody asked for', () => {
    expect(
      planMounts([bind('/a/b/c/'), bind('/data'), bind('/a')], ['/data/', '/more']).map((mount) => mount.target),
    ).toEqual(['/data', '/a', '/more', '/a/b/c']);
  });

  it.each([
    [[bind('/x'), bind('/x/')], 'Duplicate mount point: /x'],
    [[bind('x')], "invalid mount path: 'x' mount path must be absolute"],
    [[bind('/a/..')], "invalid specification: destination can't be '/'"],
  ])('are refused in docker’s words', (mounts, words) => {
    expect(() => planMounts(mounts, [])).toThrow(words);
  });
});
