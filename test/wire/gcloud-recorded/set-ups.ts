import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from '../server.ts';
import { killBuild } from './kill-build.ts';
import type { Place } from './run-case.ts';
import { IMAGE, write } from './sources.ts';
import { type Doors, LOCATION } from './world.ts';

/** What has to be there before a command makes sense: of all recorded ones in one table, hence as long as it is. */
export interface SetUp {
  /** In place of the recorded one, where that can't be run as it stands. */
  command?: string;
  /** Below the case's folder; `src` unless it says otherwise. */
  cwd?: string;
  /** Beside the recorded environment. */
  env?: Record<string, string | undefined>;
  /** Runs against the server that wants a token. */
  asksForTokens?: boolean;
  /** What is in the token file; the owner's token unless it says otherwise. */
  token?: string;
  /** ^C a second after this has been printed. */
  interruptAt?: string;
  prepare?(to: Preparing): Promise<unknown>;
}

interface Preparing {
  doors: Doors;
  project: string;
  place: Place;
  server: TestServer;
}

export interface Prepared {
  /** Names in the recorded command, and what stands for them here. */
  ids?: Record<string, string>;
  /** When the command has ended. */
  after?(): Promise<void>;
}

export function setUpOf(name: string): SetUp {
  return SET_UPS[name] ?? {};
}

const ENDED = /^(SUCCESS|FAILURE|CANCELLED|TIMEOUT|INTERNAL_ERROR)$/;

/** A build without a source, whose one step ends at once. */
const quick = (project: string, more: object = {}) => ({
  steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['version'] }],
  tags: [project],
  ...more,
});
/** As the recorded ones were: of an image, with everything that may be asked for. */
const RECORDED = {
  steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['build', '-t', IMAGE, '.'] }],
  images: [IMAGE],
  substitutions: { _TAG: 'dev' },
  options: { logging: 'LEGACY', machineType: 'E2_HIGHCPU_8' },
  timeout: '1200s',
};
const FAILING = { steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['push', 'gcr.io/nobody/nothing'] }] };
/** A container that does nothing for long. */
const SLOW = { steps: [{ name: 'busybox', args: ['sleep', '120'] }] };

const config =
  (text: string) =>
  async ({ place }: Preparing) =>
    write(join(place.folder, 'src'), { 'deploy/docker/api/cloudbuild.yaml': text });

/** The image is there already, and the step gives it its tag: what the recordings' build, which had no source, could not do. */
const NO_SOURCE = (logging: string) => `steps:
- name: gcr.io/cloud-builders/docker
  args: [pull, 'europe-central2-docker.pkg.dev/$PROJECT_ID/images/api:latest']
- name: gcr.io/cloud-builders/docker
  args: [tag, 'europe-central2-docker.pkg.dev/$PROJECT_ID/images/api:latest', '${IMAGE}']
images: ['${IMAGE}']
options: {logging: ${logging}}
substitutions: {_TAG: dev}
`;
const withoutSource = (logging: string) => async (to: Preparing) => {
  await to.doors.image(to.project, 'images', 'api', ['latest']);
  await config(NO_SOURCE(logging))(to);
};

/** Some builds: an older one that failed, newer ones that went well. */
async function someBuilds({ doors, project }: Preparing): Promise<void> {
  await doors.build(project, FAILING, ENDED);
  for (let i = 0; i < 3; i++) await doors.build(project, quick(project), ENDED);
}

const ofBuild =
  (request: (project: string) => object, until: RegExp) =>
  async ({ doors, project }: Preparing) => ({
    ids: idsOf(await doors.build(project, request(project), until)),
  });

/** Every id of a recorded command means the one build that was made for it. */
function idsOf(id: string): Record<string, string> {
  return Object.fromEntries(RECORDED_BUILDS.map((recorded) => [recorded, id]));
}

const RECORDED_BUILDS = [
  '06f72b2e-3782-43c7-8a2e-f4383e89d570',
  '48bae8dc-ef2e-466d-94e6-63c942db7067',
  '36676f27-bf07-4e22-9113-b00a49fbf657',
  '04020acd-4514-4db9-b146-f578198103b0',
  '9029f127-1238-4a14-9b31-f219629032f3',
];

const bucketOf =
  (objects: Record<string, number>) =>
  async ({ doors, project }: Preparing) => {
    const bytes = Object.entries(objects).map(([name, size]) => [name, randomBytes(size)] as const);
    await doors.bucket(project, `${project}x`, Object.fromEntries(bytes));
  };
const SMALL = 300;
const BIG = 20_000_000;
const HUGE = 160 << 20;

/** Many times the same bytes are no work for the one who measures them. */
const fileOf =
  (name: string, size: number, objects: Record<string, number> = {}) =>
  async (to: Preparing) => {
    await write(to.place.folder, { [name]: randomBytes(size) });
    await bucketOf(objects)(to);
  };

/** The repository `images` with `api:latest`, whose digest stands for the recorded one. */
const imageWith =
  (...tags: string[]) =>
  async ({ doors, project }: Preparing) => {
    await doors.repository(project, 'images');
    const digest = await doors.image(project, 'images', 'api', tags);
    return { ids: { [`sha256:${'a'.repeat(64)}`]: digest } };
  };

const trigger =
  (more: object = {}) =>
  async ({ doors, project }: Preparing) => {
    const uri = 'https://gitlab.example.com/a/b.git';
    const t2 = {
      name: 't2',
      gitFileSource: { path: 'cloudbuild.yaml', uri, revision: 'refs/heads/main', repoType: 'UNKNOWN' },
      sourceToBuild: { uri, ref: 'refs/heads/main', repoType: 'UNKNOWN' },
    };
    for (const location of [LOCATION, 'global'])
      await doors.json('POST', `/v1/projects/${project}/locations/${location}/triggers`, { ...t2, ...more });
  };
const INLINE = { build: { steps: [{ name: 'ubuntu' }] }, gitFileSource: undefined, sourceToBuild: undefined };

const pool = async ({ doors, project }: Preparing) => {
  const workerConfig = { machineType: 'e2-standard-4', diskSizeGb: '100' };
  const path = `/v1/projects/${project}/locations/${LOCATION}/workerPools?workerPoolId=wp`;
  await doors.json('POST', path, { privatePoolV1Config: { networkConfig: {}, workerConfig } });
};

const PROXY = {
  CLOUDSDK_PROXY_TYPE: 'http',
  CLOUDSDK_PROXY_ADDRESS: '127.0.0.1',
  CLOUDSDK_PROXY_PORT: '8901',
};

const SET_UPS: Record<string, SetUp> = {
  'approve-alpha': { prepare: pendingBuild },
  'ar-images-delete': { prepare: imageWith('latest') },
  'ar-images-delete-tag': { prepare: imageWith('latest') },
  'ar-images-describe': { prepare: imageWith('latest') },
  'ar-images-list': { prepare: imageWith('latest') },
  'ar-images-list-tags': { prepare: imageWith('latest') },
  'ar-configure-docker-bad': {
    prepare: async ({ place }) =>
      write(join(place.folder, 'home'), {
        '.docker/config.json': '{"credHelpers": {"europe-central2-docker.pkg.dev": "gcloud"}}',
      }),
  },
  'ar-repo-create-exists': { prepare: async ({ doors, project }) => void (await doors.repository(project, 'newrepo')) },
  'ar-repo-delete': { prepare: async ({ doors, project }) => void (await doors.repository(project, 'newrepo')) },
  'ar-repo-describe': { prepare: imageWith('latest') },
  'ar-repo-list': {
    prepare: async (to) => {
      await imageWith('latest')(to);
      await to.doors.repository(to.project, 'newrepo', 'd');
    },
  },
  'ar-repo-list-all': { prepare: imageWith('latest') },
  'ar-tags-add': { prepare: imageWith('latest') },
  'ar-tags-add-existing': { prepare: imageWith('latest', 'v9') },
  'ar-tags-delete': { prepare: imageWith('latest', 'v9') },
  'ar-tags-list': { prepare: imageWith('latest') },
  'ar-tags-list-img': { prepare: imageWith('latest') },
  'auth-token-file': {
    prepare: async ({ doors, project }) => {
      for (let i = 0; i < 2; i++) await doors.build(project, quick(project), ENDED, 'global');
    },
  },
  cancel: {
    prepare: ofBuild(
      () => ({
        ...RECORDED,
        ...SLOW,
        images: ['gcr.io/p1/x'],
        substitutions: { _TAG: '1' },
        options: { ...RECORDED.options, substitutionOption: 'ALLOW_LOOSE' },
      }),
      /^WORKING$/,
    ),
  },
  describe: { prepare: ofBuild(() => RECORDED, ENDED) },
  'docker-cred-gcloud': { token: 'tok123' },
  'docker-helper': { token: 'tok123' },
  'auth-print-token-file': { token: 'tok123' },
  'err-400': { prepare: config('steps: [{name: a, args: [$FOO]}]\n') },
  'err-401-token': { asksForTokens: true, token: 'tok123' },
  'err-403': {
    asksForTokens: true,
    env: { CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: '<W>/reader', CLOUDSDK_AUTH_DISABLE_CREDENTIALS: undefined },
    prepare: readerToken,
  },
  'err-bucket-wrong-project': {
    prepare: async ({ doors, project }) => doors.bucket('somebody', `${project}_cloudbuild`),
  },
  'gs-buckets-list': {
    prepare: async ({ doors, project }) => {
      const names = [`${project}_cloudbuild`, `${project}buk`, `${project}_europe-central2_cloudbuild`];
      for (const name of [...names, `${project}x`, `${project}nb`]) await doors.bucket(project, name);
    },
  },
  'gs-cat-range': {
    prepare: async ({ doors, project }) =>
      doors.bucket(project, `${project}x`, { 'dir/small.bin': Buffer.from('hello world') }),
  },
  'gs-compose': { prepare: bucketOf({ 'dir/small.bin': SMALL, 'dir/copy.bin': SMALL }) },
  'gs-cp-down': { prepare: bucketOf({ 'dir/small.bin': SMALL }) },
  'gs-cp-down-big': { prepare: bucketOf({ 'dir/big.bin': BIG }) },
  'gs-cp-gs': { prepare: bucketOf({ 'dir/small.bin': SMALL }) },
  'gs-cp-up-small': { prepare: fileOf('small.bin', SMALL) },
  'gs-cp-up-big': { prepare: fileOf('big.bin', BIG) },
  'gs-cp-up-huge': { prepare: fileOf('huge.bin', HUGE) },
  'gs-ls': { prepare: bucketOf({ 'dir/small.bin': SMALL }) },
  'gs-ls-r': { prepare: bucketOf({ 'dir/small.bin': SMALL, 'dir/big.bin': SMALL }) },
  'gs-rm': { prepare: bucketOf({ 'dir/comp.bin': SMALL }) },
  'gs-stdin': { prepare: bucketOf({}) },
  'gsutil-cat-range': {
    prepare: async ({ doors, project }) =>
      doors.bucket(project, `${project}x`, { 'g/small.bin': Buffer.from('hello world') }),
  },
  'gsutil-compose': { prepare: bucketOf({ 'g/small.bin': SMALL, 'g/copy.bin': SMALL }) },
  'gsutil-cp-big': { prepare: fileOf('big.bin', BIG) },
  'gsutil-cp-down': { prepare: bucketOf({ 'g/small.bin': SMALL }) },
  'gsutil-cp-gs': { prepare: bucketOf({ 'g/small.bin': SMALL }) },
  'gsutil-cp-up': { prepare: fileOf('small.bin', SMALL) },
  'gsutil-ls': { prepare: bucketOf({ 'g/small.bin': SMALL }) },
  'gsutil-proxy': { prepare: fileOf('small.bin', SMALL) },
  'gsutil-proxy-token': { prepare: bucketOf({ 'px/small.bin': SMALL }) },
  'gsutil-rm': { prepare: bucketOf({ 'g/copy.bin': SMALL }) },
  'gsutil-rsync': { prepare: rsyncFolder },
  'ignore-broken-symlink-otherdir': { cwd: '.' },
  'ignore-dockerfile-tag': { cwd: 'ig' },
  'ignore-missing-file': {
    cwd: 'ig',
    prepare: async ({ place }) => write(join(place.folder, 'ig'), { '.gitignore': 'deep\n' }),
  },
  'ignore-tar': { cwd: 'ig' },
  'list-default': { prepare: someBuilds },
  'list-filter-mixed': { prepare: someBuilds },
  'list-filter-or-ongoing': {},
  'list-filter-status': { prepare: someBuilds },
  'list-filter-time': {
    prepare: async ({ doors, project }) => void (await doors.build(project, { ...RECORDED, tags: ['foo'] }, ENDED)),
  },
  'list-ongoing': { prepare: someBuilds },
  'list-sortby': { prepare: someBuilds },
  'list-uri': { prepare: someBuilds },
  'log-cloudlogging-beta-stream': { prepare: ofBuild((p) => quick(p, { options: CLOUD_LOGGING() }), ENDED) },
  'log-cloudlogging-beta-stream-token': { prepare: ofBuild((p) => quick(p, { options: CLOUD_LOGGING() }), ENDED) },
  'log-cloudlogging-ga': { prepare: ofBuild((p) => quick(p, { options: CLOUD_LOGGING() }), ENDED) },
  'log-cloudlogging-ga-token': { prepare: ofBuild((p) => quick(p, { options: CLOUD_LOGGING() }), ENDED) },
  'log-stored': { prepare: ofBuild((p) => quick(p), ENDED) },
  'log-stream-done': { prepare: ofBuild((p) => quick(p), ENDED) },
  'log-stream-running': {
    prepare: ofBuild(() => ({ steps: [{ name: 'busybox', args: ['sleep', '4'] }] }), /^WORKING$/),
  },
  'pool-delete': { prepare: pool },
  'pool-describe': { prepare: pool },
  'pool-list': { prepare: pool },
  'pool-update': { prepare: pool },
  'submit-beta-grpc-tail': { prepare: withoutSource('CLOUD_LOGGING_ONLY') },
  'submit-bigsource': {
    prepare: async ({ place }) =>
      write(join(place.folder, 'src'), { 'big.bin': randomBytes(20 << 20), '.gcloudignore': '*.yaml\n' }),
  },
  'submit-cloudlogging-ga': { prepare: withoutSource('CLOUD_LOGGING_ONLY') },
  'submit-failing': {
    prepare: async ({ place }) => write(join(place.folder, 'src'), { Dockerfile: 'FROM scratch\nCOPY nothing /\n' }),
  },
  'submit-git-source2': { cwd: '.' },
  'submit-gs-source': { prepare: bucketOf({ 's.tgz': SMALL }) },
  'submit-internal': { prepare: killedWorker },
  'submit-local-tgz': {
    cwd: 'src',
    prepare: async ({ place }) => write(join(place.folder, 'src'), { 'local.tgz': randomBytes(SMALL) }),
  },
  'submit-logging-none': { prepare: withoutSource('NONE') },
  'submit-pool-region': { prepare: pool },
  'submit-sigint-cancel': {
    command: 'gcloud builds submit --no-source --config=deploy/docker/api/cloudbuild.yaml',
    env: {
      ...PROXY,
      CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: '<CA>',
      CLOUDSDK_CORE_PROJECT: 'p1',
      CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
      CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBUILD: 'http://127.0.0.1:8900/',
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: 'http://127.0.0.1:8900/storage/v1/',
    },
    interruptAt: 'BUILD\n',
    prepare: config("steps: [{name: busybox, args: [sleep, '120']}]\n"),
  },
  'submit-staging': { prepare: async ({ doors, project }) => doors.bucket(project, `${project}buk`) },
  'submit-logbucket-only': { prepare: async ({ doors, project }) => doors.bucket(project, `${project}buk`) },
  'submit-status-pending': { prepare: withoutSource('LEGACY') },
  'submit-suppress': { prepare: withoutSource('LEGACY') },
  'submit-timeout': {
    prepare: config("steps: [{name: busybox, args: [sleep, '120']}]\ntimeout: 2s\n"),
  },
  'submit-regional-bucket': {
    prepare: async ({ doors, project }) => doors.bucket(project, `${project}_europe-central2_cloudbuild`),
  },
  'trig-create-webhook': { prepare: webhookSecret },
  'trig-delete': { prepare: trigger({ name: 't5' }) },
  'trig-describe': { prepare: trigger() },
  'trig-export-beta': { prepare: trigger() },
  'trig-import': { prepare: exportedTrigger },
  'trig-list': { prepare: async (to) => trigger()(to) },
  'trig-run': { prepare: trigger(INLINE) },
  'trig-run-sha': { prepare: trigger(INLINE) },
  'trig-update': { prepare: trigger() },
};

function CLOUD_LOGGING(): object {
  return { logging: 'CLOUD_LOGGING_ONLY' };
}

async function pendingBuild({ doors, project }: Preparing): Promise<Prepared> {
  const triggers = `/v1/projects/${project}/locations/${LOCATION}/triggers`;
  await doors.json('POST', triggers, {
    name: 'asks',
    build: { steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['version'] }] },
    approvalConfig: { approvalRequired: true },
  });
  const { metadata } = (await doors.json('POST', `${triggers}/asks:run`, {})) as {
    metadata: { build: { id: string } };
  };
  return { ids: idsOf(metadata.build.id) };
}

async function readerToken({ server, place }: Preparing): Promise<void> {
  const token = (await server.ok('token', 'create', '--role', 'reader', '--project', place.project)).trim();
  await write(place.folder, { reader: `${token}\n` });
}

async function rsyncFolder(to: Preparing): Promise<void> {
  await bucketOf({})(to);
  await rm(join(to.place.folder, 'src'), { recursive: true });
  await write(join(to.place.folder, 'src'), {
    '.gitignore': 'node_modules\n',
    'a.txt': 'text\n',
    Dockerfile: 'FROM scratch\n',
    'deploy/docker/api/cloudbuild.yaml': 'steps: []\n',
    'node_modules/x/y': 'y\n',
  });
}

/** While the build runs, its process is killed. */
async function killedWorker(to: Preparing): Promise<Prepared> {
  await config("steps: [{name: busybox, args: [sleep, '119']}]\n")(to);
  let over = false;
  const killing = (async () => {
    while (!over && !(await killBuild(to.server, 'sleep 119')))
      await new Promise((resolve) => setTimeout(resolve, 200));
  })();
  return {
    after: async () => {
      over = true;
      await killing;
    },
  };
}

async function webhookSecret({ doors, project }: Preparing): Promise<void> {
  await doors.json('POST', `/v1/projects/${project}/secrets?secretId=s`, { replication: { automatic: {} } });
  const payload = { data: Buffer.from('hook').toString('base64') };
  await doors.json('POST', `/v1/projects/${project}/secrets/s:addVersion`, { payload });
}

async function exportedTrigger(to: Preparing): Promise<void> {
  await trigger()(to);
  const path = `/v1/projects/${to.project}/locations/${LOCATION}/triggers/t2`;
  const { createTime: _made, ...rest } = await to.doors.json('GET', path);
  await write(to.place.folder, { 't2.yaml': JSON.stringify(rest).replaceAll('UNKNOWN', 'GITHUB') });
}
