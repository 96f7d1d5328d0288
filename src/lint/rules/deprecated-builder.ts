import type { Rule } from '../rule.ts';

/** Builders that their makers have given up, and what took their place (their README files say so). */
const SUCCESSORS: [RegExp, string][] = [
  [/^gcr\.io\/cloud-builders\/gcloud(?:-slim)?$/, 'gcr.io/google.com/cloudsdktool/cloud-sdk'],
  [/^gcr\.io\/kaniko-project\/executor$/, 'gcr.io/cloud-builders/docker, whose layers stay cached here'],
  [/^gcr\.io\/google-appengine\//, 'a current image of the language'],
  [/^launcher\.gcr\.io\//, 'an image from Docker Hub or your own'],
  [/^(?:gcr\.io\/)?k8s\.gcr\.io\//, 'registry.k8s.io'],
];

export const deprecatedBuilder: Rule = {
  name: 'deprecated-builder',
  *check({ configs }) {
    for (const { read } of configs)
      for (const [index, { name = '' }] of (read?.config.request.steps ?? []).entries()) {
        const repository = name.split('@', 1)[0]?.replace(/:[^/]*$/, '') ?? '';
        const successor = SUCCESSORS.find(([pattern]) => pattern.test(repository))?.[1];
        if (read === undefined || successor === undefined) continue;
        yield {
          severity: 'warning',
          message: `the builder ${repository} is no longer maintained`,
          place: read.config.placeOf(['steps', index, 'name']),
          hint: `Use ${successor}.`,
        };
      }
  },
};
