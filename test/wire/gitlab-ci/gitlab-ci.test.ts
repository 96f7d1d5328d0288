import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { dockerClients } from '../docker-lessons/docker-clients.ts';
import { missingPrograms } from '../registry-image.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../server.ts';
import { GitlabProject } from './gitlab-job.ts';

const REPOSITORY = 'europe-central2-docker.pkg.dev/root/mylab/mycicd';
const DOCKERFILE = 'deploy/docker/serve/Dockerfile';
const JOB = '.gitlab-ci.yml';

/** The line of the note that fails: GitLab's variables are not known inside of a Dockerfile. */
const WITHOUT_ARG = (text: string) =>
  text
    .replace(/^ARG .*\n/gm, '')
    .replace('FROM $CI_REGISTRY_IMAGE:$CI_REGISTRY_TAG', 'FROM $CI_REGISTRY_IMAGE:$CI_COMMIT_BEFORE_SHA');

const [client] = dockerClients;
const why = await missingForBuilds();
const missing = (await missingPrograms('git', 'rsync', 'bash')).map((name) => `: no ${name}`).join('');
const lacks = `${why}${missing}${client === undefined ? ': no docker' : ''}`;

/** The note's job against our socket, by the runner that people have on their own machine. */
describe.skipIf(lacks !== '')(`a job of .gitlab-ci.yml that builds by docker${lacks}`, () => {
  let server: TestServer;
  let env: Record<string, string>;
  const docker = async (...args: string[]) =>
    (await runOk(client?.path ?? '', args, { env: { ...process.env, ...env }, timeout: 120_000 })).stdout;
  const tags = async () => ((await server.get('/v2/root/mylab/mycicd/tags/list')) as { tags: string[] }).tags.sort();

  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    env = {
      DOCKER_HOST: `unix://${join(server.data, 'docker.sock')}`,
      DOCKER_CONFIG: join(server.folder, 'docker-config'),
    };
    // the note's base has been in the registry for three days
    await docker('pull', 'python:3.11-slim');
    await docker('tag', 'python:3.11-slim', `${REPOSITORY}:base`);
    await docker('push', `${REPOSITORY}:base`);
    // what a job container needs: a shell and docker's command line, which is one file
    const image = join(server.folder, 'job-image');
    await mkdir(image);
    await copyFile(client?.path ?? '', join(image, 'docker'));
    await writeFile(
      join(image, 'Dockerfile'),
      'FROM python:3.11-slim\nCOPY docker /usr/local/bin/docker\nCMD ["bash"]\n',
    );
    env['DOCKER_BUILDKIT'] = '0';
    await docker('build', '--tag', 'docker:cli', image);
    await docker('image', 'rm', 'python:3.11-slim', `${REPOSITORY}:base`);
  });
  afterAll(() => server?.close());

  const executors = () =>
    [
      { name: 'on the runner itself', flags: ['--force-shell-executor'] },
      {
        name: 'in a container of our own door',
        flags: ['--helper-image=docker:cli', `--volume=${join(server.data, 'docker.sock')}:/var/run/docker.sock`],
      },
    ] as const;

  it.each([0, 1])('fails without ARG, and passes with it: executor %i', async (which) => {
    const executor = executors()[which] as { name: string; flags: readonly string[] };
    const project = await GitlabProject.create(join(server.folder, `project-${which}`), env);
    const job = () => project.job('serve', { CI_REGISTRY_IMAGE: REPOSITORY }, ...executor.flags);

    await project.edit(DOCKERFILE, WITHOUT_ARG);
    await project.edit(JOB, (text) => text.replace(/\n *--build-arg CI_REGISTRY_IMAGE=\S+/, ''));
    await project.commit('as the note begins');
    const first = await job();
    expect(first.log).toContain('Step 1/4 : FROM $CI_REGISTRY_IMAGE:$CI_COMMIT_BEFORE_SHA');
    expect(first.log).toMatch(/^serve > .*invalid reference format/m);
    expect([executor.name, first.code]).toEqual([executor.name, 1]);

    // the note's failed repair
    const both = '--build-arg CI_REGISTRY_IMAGE=$CI_REGISTRY_IMAGE\n      --build-arg CI_COMMIT_BEFORE_SHA=base';
    await project.edit(JOB, (text) => text.replace(/(--tag \$CI_REGISTRY_IMAGE:\$CI_COMMIT_SHA)/, `$1\n      ${both}`));
    await project.commit('--build-arg alone');
    const second = await job();
    expect(second.log).toMatch(/^serve > .*invalid reference format/m);
    expect(second.code).toBe(1);

    const repaired = await GitlabProject.create(join(server.folder, `repaired-${which}`), env);
    await repaired.edit('app/main.py', (text) => `${text}\n# ${executor.name}\n`);
    const commit = await repaired.commit(executor.name);
    const third = await repaired.job('serve', { CI_REGISTRY_IMAGE: REPOSITORY }, ...executor.flags);
    const said = third.log.split('\n').filter((line) => line.startsWith('serve > '));
    expect([third.log, third.code]).toEqual([third.log, 0]);
    for (const line of [
      'serve > Step 1/6 : ARG CI_REGISTRY_IMAGE=python',
      'serve > Step 2/6 : ARG CI_REGISTRY_TAG=base',
      'serve > Step 3/6 : FROM $CI_REGISTRY_IMAGE:$CI_REGISTRY_TAG',
      `serve > Successfully tagged ${REPOSITORY}:${commit}`,
    ])
      expect(said).toContain(line);
    // the new one, and the base that FROM brought
    for (const tag of [commit, 'base'])
      expect(said.some((line) => new RegExp(`^serve > ${REPOSITORY} +${tag} +[0-9a-f]{12} `).test(line))).toBe(true);
    expect(await tags()).toContain(commit);
    await docker('image', 'rm', `${REPOSITORY}:base`);
  });

  it('leaves no container, volume or network of the runner behind', async () => {
    expect(await docker('ps', '--all', '--quiet')).toBe('');
    expect(await docker('volume', 'ls', '--quiet')).toBe('');
    expect(await docker('network', 'ls', '--filter', 'type=custom', '--quiet')).toBe('');
  });
});
