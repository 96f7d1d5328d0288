import { expect, it } from 'vitest';
import { beyondDocker } from './commands.ts';

it.each<[string, string | undefined]>([
  ['run --rm -v /workspace:/w busybox ls', 'docker run'],
  ['compose up -d', 'docker compose'],
  ['buildx bake --push', 'docker buildx bake'],
  ['buildx imagetools inspect x', 'docker buildx imagetools'],
  ['manifest create a b', 'docker manifest'],
  ['network create n', 'docker network'],
  ['image prune -f', 'docker image prune'],
  ['inspect --type container db', 'docker inspect'],
  ['inspect --type=volume db', 'docker inspect'],
  ['-H tcp://host:2375 ps', 'docker -H'],
  ['--config /x build .', 'docker --config'],
  ['someplugin x', 'docker someplugin'],
  ['build .', undefined],
  ['buildx build --load .', undefined],
  ['buildx create --use', undefined],
  ['image ls', undefined],
  ['image rm x', undefined],
  ['inspect --type image x', undefined],
  ['-D --log-level debug build .', undefined],
  ['biuld .', undefined],
  ['--version', undefined],
  ['', undefined],
])('`docker %s` is left to the image: %s', (line, beyond) => {
  expect(beyondDocker(line.split(' ').filter(Boolean))).toBe(beyond);
});
