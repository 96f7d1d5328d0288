import { familiarName, parseReference } from '../../images/reference.ts';
import type { Problem } from '../../lib/problem.ts';
import { isOwnHost, type OwnNames } from '../../stores/registry/name.ts';
import { placeForCopy } from './own-copies.ts';
import type { StepImageRequest } from './step-image.ts';

/** Builder images that set-up makes of Debian's packages. */
const MADE_HERE = new Set(['cloud-builders/docker', 'cloud-builders/git']);

/**
 * What to do about an image that can't be had: the very lines that bring it here, with internet and without. An image of
 * our own registry that isn't there has nobody to be fetched from, so there the registry's own hint stands.
 */
export function missingImageAdvice(request: StepImageRequest, problem: Problem, own: OwnNames): string {
  const { image, beyond, projects } = request;
  const reference = parseReference(image);
  const name = familiarName(reference);
  const why = whyAnImage(reference.repository, beyond, name);
  if (isOwnHost(reference.host, own)) return [...why, problem.hint ?? `Push ${name} first.`].join('\n');
  const copy = placeForCopy(image, projects.at(-1) ?? 'demo', own);
  const file = `${reference.repository.split('/').at(-1)}.tar`;
  const made = reference.host === 'gcr.io' && MADE_HERE.has(reference.repository) && reference.tag === undefined;
  return [
    ...why,
    // of a registry that refuses: what it wants
    ...(problem.hint === undefined || problem.code === 'unavailable' ? [] : [problem.hint]),
    `This server has no image ${name}. Once, where ${reference.host} can be reached, copy it here:`,
    `  slipway copy ${name} ${copy}`,
    'or carry it over in a file, from a machine that can reach it:',
    `  docker pull ${name} && docker save -o ${file} ${name}`,
    `  slipway load -i ${file} --tag ${copy} && slipway push ${copy}`,
    ...(made ? ["or make it of this machine's Debian packages: slipway seed --builders"] : []),
    ...(copyIsFound(copy, image) ? [] : ['and say in slipway.yaml that the copy stands for it:', ...alias(name, copy)]),
    ...(copyIsFound(copy, image)
      ? ['or let another image of yours stand for it, in slipway.yaml:', ...alias(name, 'YOUR-IMAGE')]
      : []),
  ].join('\n');
}

function alias(name: string, target: string): string[] {
  return ['  builds:', '    images:', `      ${name}: ${target}`];
}

/** Copies of Google's builders are looked for where they are put, without an alias. */
function copyIsFound(copy: string, image: string): boolean {
  return copy.split('/').slice(2).join('/') === image.replace(/^gcr\.io\/(?:google\.com\/)?/, '');
}

function whyAnImage(repository: string, beyond: string | undefined, name: string): string[] {
  if (repository === 'k8s-skaffold/pack')
    return [
      'Buildpacks are made by pack in this image, and by more images that it runs (gcr.io/buildpacks/builder). A Dockerfile needs none of them: gcloud builds submit --tag builds with one.',
    ];
  return beyond === undefined
    ? []
    : [`${beyond} is nothing that this server does by itself: it runs in a container of ${name}.`];
}
