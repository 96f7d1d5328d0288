import { parseReference } from '../../images/reference.ts';
import { beyondDocker } from '../docker/commands.ts';
import { docker } from '../docker/docker.ts';
import { beyondGcloud, gcloud } from '../gcloud/gcloud.ts';
import { gsutil } from '../gsutil/gsutil.ts';
import { kaniko } from '../kaniko/kaniko.ts';
import type { BuildStepRequest } from '../request/request.ts';
import { aliasOf } from './image-alias.ts';
import type { NativeBuilder } from './native-builder.ts';

/** How a step is served. */
export interface ChosenBuilder {
  /** The image's name as aliases have it. */
  image: string;
  /** Absent: the step runs in a container of `image`. */
  native?: { builder: NativeBuilder; args: readonly string[] } | undefined;
  /** It wants git and nothing else: then the container is made of this machine's own, where it has one. */
  git?: { entrypoint: string[] } | undefined;
  /** What of a program that we know is left to the image, e.g. `docker run`. */
  beyond?: string | undefined;
}

interface Program {
  builder: NativeBuilder;
  /** The words that we don't serve, for people; undefined when we do. */
  beyond(args: readonly string[]): string | undefined;
}

/** A program of a builder that runs in a container all the same, made of this machine's. */
const GIT = 'git of this machine';

interface BuilderImage {
  /** The program of its ENTRYPOINT; absent when the first argument names it. */
  entrypoint?: string;
  programs: Record<string, Program | typeof GIT>;
}

const DOCKER: Program = { builder: docker, beyond: beyondDocker };
const GSUTIL: Program = { builder: gsutil, beyond: () => undefined };
const GCLOUD: Program = { builder: gcloud, beyond: beyondGcloud };
const KANIKO: BuilderImage = {
  entrypoint: 'executor',
  programs: { executor: { builder: kaniko, beyond: () => undefined } },
};
const SDK = { gcloud: GCLOUD, gsutil: GSUTIL, git: GIT } as const;

/** Google's builders, by image name without tag: what is served for them is the same in all versions. */
const BUILDERS = new Map<string, BuilderImage>([
  ['gcr.io/cloud-builders/docker', { entrypoint: 'docker', programs: { docker: DOCKER } }],
  ['gcr.io/cloud-builders/git', { entrypoint: 'git', programs: { git: GIT } }],
  ['gcr.io/cloud-builders/gsutil', { entrypoint: 'gsutil', programs: SDK }],
  ['gcr.io/cloud-builders/gcloud', { entrypoint: 'gcloud', programs: SDK }],
  ['gcr.io/google.com/cloudsdktool/cloud-sdk', { programs: SDK }],
  ['gcr.io/google.com/cloudsdktool/google-cloud-cli', { programs: SDK }],
  ['gcr.io/kaniko-project/executor', KANIKO],
  ['ghcr.io/osscontainertools/kaniko', KANIKO],
  ['docker.io/google/cloud-sdk', { programs: SDK }],
]);

/**
 * A step of one of Google's builders with a program that we serve is a call to the engine; a script, another entrypoint
 * (bash), or a command that we don't know is a container of that image.
 * @throws Problem `invalid` when the name is none
 */
export function chooseBuilder(step: BuildStepRequest, aliases: Readonly<Record<string, string>>): ChosenBuilder {
  const image = aliasOf(step.name ?? '', aliases);
  const { host, repository } = parseReference(image);
  const known = BUILDERS.get(`${host}/${repository}`);
  if (known === undefined || step.script !== undefined) return { image };
  const args = step.args ?? [];
  const entrypoint = step.entrypoint || known.entrypoint;
  const name = programName(entrypoint ?? args[0] ?? '');
  const program = Object.hasOwn(known.programs, name) ? known.programs[name] : undefined;
  if (program === undefined) return { image };
  // the first argument, where it names the program, does so in a container as well
  if (program === GIT) return { image, git: { entrypoint: known.entrypoint === undefined ? [] : ['git'] } };
  const rest = entrypoint === undefined ? args.slice(1) : args;
  const beyond = program.beyond(rest);
  return beyond === undefined ? { image, native: { builder: program.builder, args: rest } } : { image, beyond };
}

/** `/usr/bin/docker` is the same program. */
function programName(entrypoint: string): string {
  return entrypoint.startsWith('/') ? entrypoint.slice(entrypoint.lastIndexOf('/') + 1) : entrypoint;
}
