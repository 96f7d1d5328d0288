import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildStatus } from '../../../src/builds/build.ts';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import { runOk } from '../../../src/lib/run.ts';
import type { TestServer } from '../../wire/server.ts';
import type { BuildApi } from './api.ts';
import type { HeldRegistry } from './held-registry.ts';

export interface PhaseField {
  server: TestServer;
  registry: HeldRegistry;
  api: BuildApi;
}

/** A phase of a build in which its process is killed. */
export interface Phase {
  name: string;
  /** A build that comes into it and stays there for a while; after `registry.release()` the same request succeeds. */
  request(field: PhaseField): Promise<BuildRequest>;
  /** Whether it is in it now. */
  reached(id: string, field: PhaseField): Promise<boolean>;
  /** How it ends; INTERNAL_ERROR unless it says otherwise. */
  ends?: readonly BuildStatus[];
}

const DOCKER = 'gcr.io/cloud-builders/docker';
const BUSYBOX = { name: 'busybox' };
/** Long enough to be found, short enough to be waited for when it is retried. */
const WHILE = 'echo begun; sleep 4';
const ZEROS_MB = 600;

const logHas =
  (text: string) =>
  async (id: string, { api }: PhaseField) =>
    (await api.log(id)).includes(text);

/** Every phase in the order of a build. */
export const PHASES: readonly Phase[] = [
  {
    name: 'claimed, its process not yet started',
    request: async () => ({ steps: [{ name: DOCKER, args: ['version'] }] }),
    reached: async () => true,
    // nothing had begun: it goes back into the queue and runs
    ends: ['SUCCESS'],
  },
  {
    name: 'setup',
    request: async () => ({ steps: [{ ...BUSYBOX, args: ['sh', '-c', WHILE] }] }),
    reached: async (id, { api }) => (await api.build(id)).status === 'WORKING',
  },
  {
    name: 'fetch of the source',
    request: async ({ server, api }) => ({
      source: await api.upload(await zerosArchive(server)),
      steps: [{ name: DOCKER, args: ['version'] }],
    }),
    reached: async (id, { server }) => existsSync(join(server.data, 'builds', id, 'workspace/zeros')),
  },
  {
    name: 'pull of a step’s image',
    request: async ({ registry }) => {
      registry.pulls = 'holds';
      return { steps: [{ ...BUSYBOX, args: ['true'] }] };
    },
    reached: async (_, { registry }) => registry.held > 0,
  },
  {
    name: 'a step that runs',
    request: async () => ({ steps: [{ ...BUSYBOX, args: ['sh', '-c', WHILE] }] }),
    reached: logHas('begun'),
  },
  {
    name: 'docker build in a step',
    request: async ({ server, api }) => ({
      source: await api.upload(
        await archiveOf(server, 'run', { Dockerfile: `FROM busybox\nRUN ${WHILE}; date +%N > /now\n` }),
      ),
      steps: [{ name: DOCKER, args: ['build', '--no-cache', '.'] }],
    }),
    reached: logHas('begun\n'),
  },
  {
    name: 'push',
    request: async ({ server, registry, api }) => {
      registry.uploads = 'holds';
      const image = `${registry.host}/killed/pushed:1`;
      return {
        source: await api.upload(await archiveOf(server, 'pushed', { Dockerfile: 'FROM busybox\nCOPY . /src\n' })),
        steps: [{ name: DOCKER, args: ['build', '-t', image, '.'] }],
        images: [image],
      };
    },
    reached: async (_, { registry }) => registry.held > 0,
  },
  {
    name: 'upload of artifacts',
    request: async () => ({
      steps: [{ ...BUSYBOX, args: ['sh', '-c', `head -c ${ZEROS_MB}m /dev/zero > zeros`] }],
      artifacts: { objects: { location: 'gs://killed-artifacts/', paths: ['zeros'] } },
    }),
    reached: logHas('Artifacts will be uploaded'),
  },
  {
    name: 'closing of the log',
    request: async () => ({
      logsBucket: 'gs://killed-artifacts',
      steps: [{ ...BUSYBOX, args: ['sh', '-c', 'yes | head -n 300000'] }],
    }),
    reached: logHas('\nDONE\n'),
    // it may have been a moment faster than the signal
    ends: ['INTERNAL_ERROR', 'SUCCESS'],
  },
];

/** A small archive that takes a second to unpack. */
async function zerosArchive(server: TestServer): Promise<string> {
  const archive = join(server.folder, 'zeros.tgz');
  const folder = join(server.folder, 'zeros');
  await mkdir(folder, { recursive: true });
  await runOk('truncate', ['-s', `${ZEROS_MB}M`, join(folder, 'zeros')]);
  await runOk('tar', ['-C', folder, '-czf', archive, 'zeros']);
  return archive;
}

async function archiveOf(server: TestServer, name: string, files: Record<string, string>): Promise<string> {
  const folder = join(server.folder, name);
  await mkdir(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  await runOk('tar', ['-C', folder, '-czf', `${folder}.tgz`, '.']);
  return `${folder}.tgz`;
}
