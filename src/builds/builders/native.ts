import { parseReference } from '../../images/reference.ts';
import { docker } from '../docker/docker.ts';
import { gsutil } from '../gsutil/gsutil.ts';
import type { BuildStepRequest } from '../request/request.ts';
import type { NativeBuilder } from './native-builder.ts';

interface Entry {
  builder: NativeBuilder;
  /** The program that the image's ENTRYPOINT runs; any other entrypoint makes the step a container. */
  program: string;
  /** False when the image has no ENTRYPOINT: then the first argument names the program. */
  entrypoint: boolean;
}

const DOCKER: Entry = { builder: docker, program: 'docker', entrypoint: true };
const GSUTIL: Entry = { builder: gsutil, program: 'gsutil', entrypoint: true };
const CLOUD_SDK: Entry = { builder: gsutil, program: 'gsutil', entrypoint: false };

/** By image name without tag. The cloud-sdk images hold many programs; of them only gsutil is served here. */
const BUILDERS = new Map<string, Entry>([
  ['gcr.io/cloud-builders/docker', DOCKER],
  ['gcr.io/cloud-builders/gsutil', GSUTIL],
  ['gcr.io/cloud-builders/gcloud', CLOUD_SDK],
  ['gcr.io/google.com/cloudsdktool/cloud-sdk', CLOUD_SDK],
  ['gcr.io/google.com/cloudsdktool/google-cloud-cli', CLOUD_SDK],
  ['docker.io/google/cloud-sdk', CLOUD_SDK],
]);

/** The builder and its arguments if we serve this step ourselves, else undefined: then it runs in a container. */
export function nativeBuilder(step: BuildStepRequest): { builder: NativeBuilder; args: readonly string[] } | undefined {
  if (step.script !== undefined || step.name === undefined) return undefined;
  const { host, repository } = parseReference(step.name);
  const entry = BUILDERS.get(`${host}/${repository}`);
  if (entry === undefined) return undefined;
  const args = step.args ?? [];
  const program = step.entrypoint?.replace(/^\/usr\/(?:local\/)?bin\//, '');
  if (program === entry.program) return { builder: entry.builder, args };
  if (program !== undefined) return undefined;
  if (entry.entrypoint) return { builder: entry.builder, args };
  return args[0] === entry.program ? { builder: entry.builder, args: args.slice(1) } : undefined;
}
