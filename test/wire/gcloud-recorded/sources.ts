import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const IMAGE = 'europe-central2-docker.pkg.dev/$PROJECT_ID/images/api:$_TAG';

/** The project that most commands are run in. */
const CONFIG = `steps:
- name: gcr.io/cloud-builders/docker
  args: [build, -t, '${IMAGE}', .]
images: ['${IMAGE}']
options: {machineType: E2_HIGHCPU_8, logging: LEGACY}
substitutions: {_TAG: dev}
timeout: 1200s
`;

/** Each is a config of one thing that gcloud looks at. */
const CONFIGS: Record<string, string> = {
  badenum: 'steps: [{name: a}]\noptions: {machineType: E2_NOPE}\n',
  machinestr: 'steps: [{name: a}]\noptions: {machineType: e2-standard-2}\n',
  diskstr: 'steps: [{name: a}]\noptions: {diskSizeGb: 100}\n',
  exitcodes: 'steps: [{name: a, allowFailure: true, allowExitCodes: [1, 2]}]\n',
  genericart: 'steps: [{name: a}]\nartifacts: {genericArtifacts: [{folder: x}]}\n',
  goartifacts:
    'steps: [{name: a}]\nartifacts: {goModules: [{repositoryName: r, repositoryLocation: europe-central2, sourcePath: ., modulePath: example.com/m, moduleVersion: v1.0.0}]}\n',
  intarg: 'steps: [{name: a, args: [1]}]\n',
  intsubst: 'steps: [{name: a}]\nsubstitutions: {_A: 1}\n',
  inttimeout: 'steps: [{name: a}]\ntimeout: 600\n',
  strtimeout: 'steps: [{name: a}]\ntimeout: 10m\n',
  list: '- name: a\n',
  lowsub: 'steps: [{name: a}]\nsubstitutions: {_a: x}\n',
  nosteps: 'images: [a]\n',
  results: 'steps: [{name: a, results: [{name: x}]}]\n',
  snake: 'steps: [{name: a, wait_for: ["-"], allow_failure: true}]\noptions: {substitution_option: ALLOW_LOOSE}\n',
  source: 'steps: [{name: a}]\nsource: {storageSource: {bucket: b, object: o}}\n',
  unknown: 'steps: [{name: a, foo: 1}]\n',
  waitstr: 'steps: [{name: a, waitFor: "-"}]\n',
  yamlerr: 'steps:\n- name: a\n  args: [\n',
};

/** What the recordings had in their folder: `src` (the project), `ig` (what ignore files are tried on), and some bytes. */
export async function writeSources(folder: string, project: string): Promise<void> {
  await write(join(folder, 'src'), {
    'deploy/docker/api/cloudbuild.yaml': CONFIG,
    Dockerfile: 'FROM scratch\nCOPY a.txt /\n',
    'a.txt': 'text\n',
    '.gitignore': 'node_modules\n',
    'node_modules/x/y': 'y\n',
    ...Object.fromEntries(Object.entries(CONFIGS).map(([name, text]) => [`${name}.yaml`, text])),
  });
  await write(join(folder, 'ig'), { Dockerfile: 'FROM scratch\n', 'docs/keep.md': 'k\n', 'deep/g.txt': 'g\n' });
  await symlink('nowhere', join(folder, 'ig', 'broken'));
  await write(folder, { 'small.bin': 'small '.repeat(50), [`${project}.txt`]: project });
}

export async function write(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
