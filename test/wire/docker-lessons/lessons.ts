import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conversation } from './conversation.ts';

/** What a lesson's commands are about. */
export interface LessonPlace {
  /** A copy of the example, whose base Dockerfiles name digests that the mirror has; the lesson may change it. */
  example: string;
  /** Google's host, which is mapped to Slipway's registry. */
  registry: string;
  /** Where this lesson's images go: `HOST/PROJECT/REPOSITORY`, of nobody else. */
  repository: string;
  /** What `gcloud auth print-access-token` printed. */
  token: string;
}

export interface Lesson {
  name: string;
  /** Begins with an engine that has no images. */
  go(talk: Conversation, place: LessonPlace): Promise<void>;
}

const PIP = '--no-cache-dir --no-index --no-build-isolation --root-user-action=ignore';
/** A prompt of the base's bash, in any folder. */
const BASH = /root@[0-9a-f]{12}:\S+#/;

/** Base images in a repository of one's own. */
const bases: Lesson = {
  name: '001',
  async go(talk, { example, registry, repository, token }) {
    talk.cwd = example;
    // nobody else has built this
    await writeFile(join(example, 'vendor/iris_scoring/README'), repository);
    await talk.docker(`login -u oauth2accesstoken --password-stdin ${registry}`, token);
    const bases = { python: '3.11-slim-bullseye-1.0.0', redis: '7.2-1.0.0' };
    for (const [name, tag] of Object.entries(bases)) {
      const image = `${repository}/${name}:${tag}`;
      await talk.docker(`build -f deploy/docker/${name}/base/Dockerfile -t ${image} .`);
      await talk.docker(`push ${image}`);
    }
    const python = `${repository}/python:${bases.python}`;
    await talk.docker(`push ${python} .`);
    await talk.docker(`images ${repository}/python`);
    const file = join(example, 'deploy/docker/api/Dockerfile');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^FROM .*$/m, `FROM ${python}`).replace(/^COPY models\/.*\n/m, ''));
    const api = `${repository}/api:6.0.0`;
    await talk.docker(`build -f deploy/docker/api/Dockerfile -t ${api}`);
    await talk.docker(`build -f deploy/docker/api/Dockerfile -t ${api} .`);
    await talk.docker(`push ${api}`);
    await talk.docker(`run --rm ${api} python -c 'import app.main, iris_scoring; print(1)'`);
    await talk.docker(`logout ${registry}`);
  },
};

/** GitLab's variables inside of a Dockerfile, by docker itself; the whole job is gone through by gitlab-ci.test.ts. */
const variables: Lesson = {
  name: '003',
  async go(talk, { example, repository }) {
    const folder = join(example, 'torch');
    await mkdir(join(folder, 'mytorch'), { recursive: true });
    await writeFile(join(folder, 'mytorch/model.py'), `print("densenet161")\n# ${repository}\n`);
    talk.cwd = folder;
    const image = `${repository}/mycicd`;
    await talk.docker('pull python:3.11-slim');
    await talk.docker(`tag python:3.11-slim ${image}:base`);
    const build = `build . --cache-from ${image}:latest --tag ${image}:4100a213`;
    const rest =
      'COPY mytorch/ /home/model-server/mydata/\nWORKDIR /home/model-server/mydata\nRUN echo torch-model-archiver   --model-name densenet161\n';
    await writeFile(join(folder, 'Dockerfile'), `FROM $CI_REGISTRY_IMAGE:$CI_COMMIT_BEFORE_SHA\n${rest}`);
    await talk.docker(build);
    await talk.docker(`${build} --build-arg CI_REGISTRY_IMAGE=${image} --build-arg CI_COMMIT_BEFORE_SHA=base`);
    const declared =
      'ARG CI_REGISTRY_IMAGE=python\nARG CI_REGISTRY_TAG=base\nFROM $CI_REGISTRY_IMAGE:$CI_REGISTRY_TAG\n';
    await writeFile(join(folder, 'Dockerfile'), `${declared}${rest}`);
    await talk.docker(`${build} --build-arg CI_REGISTRY_IMAGE=${image}`);
    await talk.docker(`images ${image}`);
    await talk.docker(`history --format '{{.ID}} {{.CreatedBy}}' ${image}:4100a213`);
    await talk.docker(`run --rm ${image}:4100a213 sh -c 'pwd; head -1 model.py'`);
    await rm(folder, { recursive: true });
  },
};

/** Layers. */
const layers: Lesson = {
  name: '004',
  async go(talk, { example, repository, registry, token }) {
    talk.cwd = example;
    const image = 'inzynier-ai-live-coding:test';
    const dockerfile = (more = '') =>
      writeFile(
        join(example, 'Dockerfile'),
        [
          'FROM python:3.11-slim',
          'WORKDIR /app',
          'COPY . .',
          `RUN pip install ${PIP} -r requirements.txt`,
          ...(more === '' ? [] : [more]),
          'ENV PORT=8080',
          'EXPOSE 8080',
          'CMD ["python", "-m", "app.main"]\n',
        ].join('\n'),
      );
    await dockerfile();
    // the file itself must not change what COPY copies, nor anything that another client left here
    await writeFile(
      join(example, '.dockerignore'),
      'Dockerfile\n.dockerignore\n**/__pycache__\n**/*.md\n.git*\ndeploy\n',
    );
    await writeFile(join(example, 'client.txt'), repository);
    const built = await talk.docker(`build -t ${image} .`);
    await talk.docker(`history ${image}`);
    await talk.docker(`history --no-trunc ${image}`);
    await talk.docker(`history --no-trunc --format '{{.CreatedBy}}' ${image}`);
    await talk.docker(`images inzynier-ai-live-coding`);
    const packages = '/usr/local/lib/python3.11/dist-packages';
    // after COPY, and after RUN; BuildKit's steps have no ids that docker could run
    for (const step of [3, 4]) {
      const id = stepId(built.stdout, step);
      if (id !== undefined)
        await talk.terminal(`run -i -t ${id} /bin/bash`, ['pwd', 'ls -la', `cd ${packages}`, 'ls -a', 'exit'], BASH);
    }
    await talk.docker('pull python:3.11-slim-bookworm');
    await talk.docker('history python:3.11-slim-bookworm');
    for (const line of [
      'ENV PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1\nRUN pip install pip==1.2.1',
      'RUN pip install –upgrade pip',
    ]) {
      await dockerfile(line);
      await talk.docker(`build -t ${image} .`);
    }
    await dockerfile('ENV PYTHON_PIP_VERSION=23.3.1\nRUN echo "pip $PYTHON_PIP_VERSION" > /pip-version');
    await talk.docker(`build -t ${image} .`);
    await talk.terminal(`run -it --entrypoint=/bin/bash ${image}`, ['cat /pip-version', 'pip --version', 'exit'], BASH);
    await dockerfile();
    const pushed = `${repository}/inzynier-ai-live-coding:3.0.0`;
    await talk.docker(`build -t ${pushed} .`);
    await talk.docker(`login -u oauth2accesstoken --password-stdin ${registry}`, token);
    await talk.docker(`push ${pushed}`);
    await talk.docker(`image rm ${pushed}`);
    await talk.docker(`pull ${pushed}`);
  },
};

export const lessons: readonly Lesson[] = [bases, variables, layers];

/** Goes through a lesson with an engine that has forgotten what it had. */
export async function goThrough(lesson: Lesson, talk: Conversation, place: LessonPlace): Promise<void> {
  const containers = (await talk.before('ps', '--all', '--quiet')).split('\n').filter(Boolean);
  if (containers.length > 0) await talk.before('rm', '--force', ...containers);
  const ids = [...new Set((await talk.before('images', '--all', '--quiet')).split('\n').filter(Boolean))];
  if (ids.length > 0) await talk.before('image', 'rm', '--force', ...ids);
  await talk.before('builder', 'prune', '--all', '--force');
  await lesson.go(talk, place);
}

/** The id that stands below a step of the classic builder. */
export function stepId(text: string, step: number): string | undefined {
  const part = text.split(/^Step \d+\/\d+ : /m)[step] ?? '';
  return /^ ---> ([0-9a-f]{12})$/m.exec(part)?.[1];
}
