import { expect, it } from 'vitest';
import type { BuildStepRequest } from '../request/request.ts';
import { chooseBuilder } from './choose-builder.ts';

const DOCKER = 'gcr.io/cloud-builders/docker';
const SDK = 'gcr.io/google.com/cloudsdktool/google-cloud-cli';

/** `native ARGS`, `git`, or `container` with what of the program was left to it. */
function served(step: BuildStepRequest, aliases: Record<string, string> = {}): string {
  const { native, git, beyond } = chooseBuilder(step, aliases);
  if (native !== undefined) return `native ${native.args.join(' ')}`.trimEnd();
  if (git !== undefined) return `git ${git.entrypoint.join(' ')}`.trimEnd();
  return beyond === undefined ? 'container' : `container for ${beyond}`;
}

it.each<[BuildStepRequest, string]>([
  [{ name: DOCKER, args: ['build', '.'] }, 'native build .'],
  [{ name: `${DOCKER}:20.10.24`, args: ['push', 'x'] }, 'native push x'],
  [{ name: DOCKER, entrypoint: '/usr/bin/docker', args: ['pull', 'x'] }, 'native pull x'],
  [{ name: DOCKER, entrypoint: '', args: ['pull', 'x'] }, 'native pull x'],
  [{ name: DOCKER, entrypoint: 'bash', args: ['-c', 'docker build .'] }, 'container'],
  [{ name: DOCKER, script: 'docker build .' }, 'container'],
  [{ name: DOCKER, args: ['run', 'x'] }, 'container for docker run'],
  [{ name: 'docker', args: ['build', '.'] }, 'container'],
  [{ name: 'docker:28-cli', args: ['docker', 'build', '.'] }, 'container'],
  [{ name: 'gcr.io/cloud-builders/gsutil', args: ['-m', 'cp', 'a', 'gs://b'] }, 'native -m cp a gs://b'],
  [{ name: 'gcr.io/cloud-builders/gcloud', args: ['storage', 'cp', 'a', 'gs://b'] }, 'native storage cp a gs://b'],
  [{ name: 'gcr.io/cloud-builders/gcloud', entrypoint: 'gsutil', args: ['ls'] }, 'native ls'],
  [{ name: 'gcr.io/cloud-builders/gcloud', args: ['run', 'deploy', '--image=x'] }, 'container for gcloud run deploy'],
  [{ name: SDK, args: ['gcloud', 'storage', 'ls'] }, 'native storage ls'],
  [{ name: `${SDK}:slim`, entrypoint: 'gcloud', args: ['storage', 'ls'] }, 'native storage ls'],
  [{ name: SDK, args: ['bash', '-c', 'gcloud storage ls'] }, 'container'],
  [{ name: SDK, args: ['git', 'clone', 'x'] }, 'git'],
  [{ name: SDK, entrypoint: 'git', args: ['clone', 'x'] }, 'git'],
  [{ name: 'gcr.io/cloud-builders/git', args: ['clone', 'x'] }, 'git git'],
  [{ name: 'gcr.io/cloud-builders/git', entrypoint: 'bash', args: ['-c', 'git log'] }, 'container'],
  [{ name: 'gcr.io/kaniko-project/executor:latest', args: ['-d', 'x'] }, 'native -d x'],
  [{ name: 'gcr.io/kaniko-project/executor:debug', entrypoint: '/busybox/sh' }, 'container'],
  [{ name: 'gcr.io/kaniko-project/executor:debug', entrypoint: '/kaniko/executor', args: ['-d', 'x'] }, 'native -d x'],
  [{ name: 'gcr.io/cloud-builders/kubectl', args: ['apply'] }, 'container'],
  [{ name: 'gcr.io/k8s-skaffold/pack', entrypoint: 'pack', args: ['build', 'x'] }, 'container'],
])('%j is %s', (step, expected) => {
  expect(served(step)).toBe(expected);
});

it('goes by the name that an alias gives', () => {
  const aliases = { docker: `${DOCKER}:latest`, [DOCKER]: 'europe-central2-docker.pkg.dev/p/base/docker' };
  expect(served({ name: 'docker:28-cli', args: ['build', '.'] }, aliases)).toBe('native build .');
  expect(served({ name: DOCKER, args: ['build', '.'] }, aliases)).toBe('container');
});
