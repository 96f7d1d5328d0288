import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../wire/server.ts';

const IMAGE = 'europe-central2-docker.pkg.dev/demo/r/app:1';
const docker = (...args: string[]) => ({ name: 'gcr.io/cloud-builders/docker', args });

/** `docker save` and `docker load` as steps of a build. */
describe('archives of images in a build', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server?.close());

  const submit = async (name: string, steps: ReturnType<typeof docker>[], images: string[] = []) => {
    const source = await server.source(name, {
      'cloudbuild.yaml': JSON.stringify({ steps, images }),
      Dockerfile: 'FROM scratch\nCOPY a /a\n',
      a: name,
    });
    const { build, log } = await server.submit(source, '--config', join(source, 'cloudbuild.yaml'));
    return { status: build.status, log, images: build.results?.images };
  };

  it('carry an image from step to step, the same bytes', async () => {
    const built = await submit('straight', [docker('build', '-q', '-t', IMAGE, '.')], [IMAGE]);
    const steps = [
      docker('build', '-q', '-t', IMAGE, '-t', 'other', '.'),
      docker('save', '--output', 'out/images.tar', IMAGE, 'other'),
      docker('rmi', IMAGE, 'other'),
      docker('image', 'load', '-i', '/workspace/out/images.tar'),
    ];
    const { status, log, images } = await submit('straight', steps, [IMAGE]);
    expect({ status, log }).toMatchObject({ status: 'SUCCESS' });
    expect(log).toContain(`Loaded image: ${IMAGE}`);
    expect(log).toContain('Loaded image: other:latest');
    expect(images?.[0]?.digest).toBe(built.images?.[0]?.digest);
  });

  it.each([
    ['an image that is not there', ['save', '-o', 'x.tar', 'nobody'], /nobody/],
    ['a file outside the workspace', ['load', '-i', '/etc/passwd'], /sees .*\/workspace/],
    ['an archive outside the workspace', ['save', '-o', '/srv/x.tar', 'seen'], /sees .*\/workspace/],
    ['a file that is no archive', ['load', '-i', 'a'], /archive/],
    ['standard output', ['save', 'seen'], /docker save -o FILE IMAGE/],
    ['standard input', ['load'], /docker load -i FILE/],
  ])('say what is wrong with %s', async (name, args, expected) => {
    const steps = [docker('build', '-q', '-t', 'seen', '.'), docker(...args)];
    const { status, log } = await submit(name.replaceAll(' ', '-'), steps);
    expect(status).toBe('FAILURE');
    expect(log).toMatch(expected);
  });
});
