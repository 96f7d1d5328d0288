import type { BuildStepRequest } from '../../builds/request/request.ts';
import { readDockerBuild } from '../project/docker-call.ts';
import { isDockerStep } from '../project/docker-calls.ts';
import type { Rule } from '../rule.ts';

/**
 * An image of `images` that no step makes fails the build after all its steps. Only said of builds whose every step is
 * docker's own build, tag, pull or push, or can make no image: a script may do anything.
 */
export const imageNotBuilt: Rule = {
  name: 'image-not-built',
  *check({ configs }) {
    for (const { read } of configs) {
      if (read === undefined) continue;
      const { images, artifacts, steps } = read.triggered.request;
      const made = madeBy(steps ?? []);
      if (made === undefined) continue;
      for (const [i, image] of (images ?? artifacts?.images ?? []).entries()) {
        if (image === '' || image.includes('$') || made.has(fullName(image)) || hasRepository(made, image)) continue;
        yield {
          severity: 'error',
          message: `no step makes the image ${image}`,
          place: read.config.placeOf(images === undefined ? ['artifacts', 'images', i] : ['images', i]),
          hint: `${made.size === 0 ? 'No step tags an image' : `The steps make ${[...made].join(', ')}`}; the build would fail after its last step.`,
        };
      }
    }
  },
};

/** Names that the steps leave behind, or undefined when that can't be told. */
function madeBy(steps: readonly BuildStepRequest[]): Set<string> | undefined {
  const made = new Set<string>();
  for (const step of steps) {
    if (isHarmless(step)) continue;
    if (!isDockerStep(step)) return undefined;
    const args = step.args ?? [];
    const build = args[0] === 'build' ? readDockerBuild(args, '.') : undefined;
    const named =
      build?.tags ??
      (args[0] === 'tag' && args.length === 3 ? args.slice(2) : args[0] === 'pull' ? [args.at(-1) ?? ''] : []);
    if (build === undefined ? !['tag', 'pull', 'push'].includes(args[0] ?? '') : build.partial) return undefined;
    if (named.some((name) => name.includes('$'))) return undefined;
    for (const name of named) made.add(fullName(name));
  }
  return made;
}

/** Builders that have no docker inside. */
function isHarmless({ name = '', entrypoint, script }: BuildStepRequest): boolean {
  return (
    entrypoint === undefined && script === undefined && /^gcr\.io\/cloud-builders\/(?:gsutil|git)(?::|@|$)/.test(name)
  );
}

function fullName(name: string): string {
  return /[:@][^/]*$/.test(name) ? name : `${name}:latest`;
}

/** A name without a tag means all tags of the repository. */
function hasRepository(made: ReadonlySet<string>, image: string): boolean {
  return !/[:@][^/]*$/.test(image) && [...made].some((name) => name.replace(/:[^/]*$/, '') === image);
}
