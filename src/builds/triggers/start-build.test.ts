import { expect, it } from 'vitest';
import type { Build } from '../build.ts';
import type { Submission } from '../submit.ts';
import type { CommitQuestion, CommitReader } from './commit-reader.ts';
import { buildIdFor, type Start, startBuild } from './start-build.ts';
import type { TriggerFields } from './trigger.ts';
import { TriggerSources } from './trigger-source.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const URL = 'https://git.example/team/Shop.git';
const CONNECTED = 'projects/p1/locations/eu/connections/c/repositories/r';

/** A repository with these files at every commit. */
async function start(fields: TriggerFields, files: Record<string, string>, more: Partial<Start> = {}) {
  const questions: CommitQuestion[] = [];
  const reports: object[] = [];
  const reader: CommitReader = {
    read: async (question) => {
      questions.push(question);
      return { commit: COMMIT, message: '', files: question.paths.map((path) => files[path]) };
    },
    changes: async () => [],
  };
  let submission: Submission | undefined;
  const trigger = { ...fields, name: 't', id: 'i', createTime: '', resourceName: '' };
  await startBuild(
    { record: { trigger, project: 'p1', location: 'eu' }, actor: 'a', signal: new AbortController().signal, ...more },
    {
      reader,
      sources: new TriggerSources({
        resolveRepository: async (_, name) => (name === CONNECTED ? { url: URL, credentials: 'oauth2:x' } : undefined),
      }),
      submit: async (given) => {
        submission = given;
        return {} as Build;
      },
      defaultLocation: () => 'europe-central2',
      reports: { add: async (report) => void reports.push(report), fail: async () => undefined },
      clock: { now: () => 1 },
    },
  );
  return { request: submission?.request, trigger: submission?.trigger, questions, reports };
}

const FILE = 'steps: [{name: a}]\nsubstitutions: {_A: file, _B: file, _C: file}\n';
const manual = {
  gitFileSource: { path: 'ci/build.yaml', uri: URL, revision: 'refs/heads/main' },
  sourceToBuild: { uri: URL, ref: 'refs/heads/main' },
};

it('reads the config at the commit that is built, which is the source', async () => {
  const { request, trigger, questions } = await start(
    { ...manual, substitutions: { _B: 'trigger', _C: 'trigger' } },
    { 'ci/build.yaml': FILE },
    { chosen: { _C: 'person' } },
  );
  expect(questions).toEqual([
    { repository: { url: URL }, revision: 'refs/heads/main', ref: undefined, paths: ['ci/build.yaml'] },
  ]);
  expect(request).toEqual({
    steps: [{ name: 'a' }],
    substitutions: { _A: 'file', _B: 'trigger', _C: 'person' },
    tags: ['trigger-i'],
    source: { gitSource: { url: URL, revision: COMMIT } },
  });
  expect(trigger?.values).toMatchObject({
    TRIGGER_NAME: 't',
    COMMIT_SHA: COMMIT,
    REVISION_ID: COMMIT,
    SHORT_SHA: '0123456',
    REPO_NAME: 'Shop',
    REPO_FULL_NAME: 'team/Shop',
    BRANCH_NAME: 'main',
    REF_NAME: 'main',
    TRIGGER_BUILD_CONFIG_PATH: 'ci/build.yaml',
  });
  expect(trigger?.values).not.toHaveProperty('TAG_NAME');
});

it('reads it at another branch that a person names, too, and elsewhere only where the trigger says so', async () => {
  const at = { revision: 'refs/heads/topic', branch: 'topic' };
  const here = await start(manual, { 'ci/build.yaml': FILE }, { at });
  expect(here.questions.map(({ revision, paths }) => [revision, paths.length])).toEqual([['refs/heads/topic', 1]]);
  const pinned = { ...manual, gitFileSource: { ...manual.gitFileSource, revision: 'refs/heads/config' } };
  const there = await start(pinned, { 'ci/build.yaml': FILE }, { at });
  expect(there.questions.map(({ revision, paths }) => [revision, paths.length])).toEqual([
    ['refs/heads/topic', 0],
    ['refs/heads/config', 1],
  ]);
});

it('finds the usual files by itself, and makes an image of a Dockerfile alone', async () => {
  const fields = { autodetect: true, repositoryEventConfig: { repository: CONNECTED, push: { branch: '.*' } } };
  const files = { 'cloudbuild.json': '{"steps":[{"name":"j"}]}', Dockerfile: 'FROM scratch\n' };
  const found = await start(fields, files);
  expect(found.request?.steps).toEqual([{ name: 'j' }]);
  expect(found.request?.source).toEqual({ connectedRepository: { repository: CONNECTED, revision: COMMIT } });
  expect(found.questions[0]?.repository).toEqual({ url: URL, credentials: 'oauth2:x' });
  expect(found.reports).toMatchObject([{ repository: CONNECTED, commit: COMMIT, context: 'slipway/t' }]);
  const image = `eu-docker.pkg.dev/p1/triggers/shop:${COMMIT}`;
  expect((await start(fields, { Dockerfile: 'FROM scratch\n' })).request).toMatchObject({
    images: [image],
    steps: [{ args: ['build', '-t', image, '.'] }],
  });
});

it('says what the commit lacks, and where its config is wrong', async () => {
  await expect(start(manual, {})).rejects.toThrow('the commit has no ci/build.yaml');
  await expect(start({ ...manual, gitFileSource: undefined, autodetect: true }, {})).rejects.toThrow(
    'the commit has no cloudbuild.yaml, cloudbuild.yml, cloudbuild.json or Dockerfile',
  );
  await expect(start(manual, { 'ci/build.yaml': 'steps:\n- nam: x\n' })).rejects.toThrow(
    /^ci\/build.yaml:2:3: .*"nam"/,
  );
});

it('takes what a payload brings as what it says', async () => {
  const fields = { build: { steps: [{ name: 'a' }] }, substitutions: { _T: 'x $(body.title) ${_U}', _U: 'u' } };
  const { request } = await start(fields, {}, { payload: { body: { title: '${_U} $PROJECT_ID' } } });
  expect(request?.substitutions).toEqual({ _T: 'x $${_U} $$PROJECT_ID ${_U}', _U: 'u' });
  expect(request).not.toHaveProperty('source');
});

it('gives one event and trigger one id', () => {
  expect(buildIdFor('a', 'b')).toBe(buildIdFor('a', 'b'));
  expect(buildIdFor('a', 'b')).not.toBe(buildIdFor('a', 'c'));
  expect(buildIdFor('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
