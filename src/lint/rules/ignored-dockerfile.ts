import type { IgnoreRules } from '../../builds/sources/gcloudignore.ts';
import { placeLabel } from '../../lib/problem.ts';
import type { Rule } from '../rule.ts';
import { placeOfLine } from './ignored-place.ts';

/** A Dockerfile that is there, and that .gcloudignore keeps out of the upload: the build finds none. */
export const ignoredDockerfile: Rule = {
  name: 'ignored-dockerfile',
  *check({ calls, files, gcloudignore }) {
    if (gcloudignore === undefined) return;
    for (const { from, dockerfile, place } of calls) {
      if (from !== 'cloudbuild' || dockerfile === undefined || !files.has(dockerfile)) continue;
      const rule = gcloudignore.rules.excludes(dockerfile);
      if (rule === undefined) continue;
      yield {
        severity: 'error',
        message: `${JSON.stringify(rule.text)} keeps ${dockerfile} out of the upload, and the step at ${placeLabel(place)} builds it`,
        place: placeOfLine(rule.file, gcloudignore.texts.get(rule.file) ?? '', rule.line),
        hint:
          rule.file === '.gcloudignore'
            ? `Take the line out, or let it in again below it: ${letIn(dockerfile, gcloudignore.rules)}`
            : `Write a .gcloudignore of your own that includes it: #!include:${rule.file}, and below it ${letIn(dockerfile, gcloudignore.rules)}`,
      };
    }
  },
};

/** What lies below an ignored folder can't come back, so such folders are named too. */
function letIn(path: string, rules: IgnoreRules): string {
  const parts = path.split('/');
  const folders = parts.slice(1).map((_, depth) => parts.slice(0, depth + 1).join('/'));
  const ignored = folders.filter((folder) => rules.excludes(folder, true) !== undefined);
  return [...ignored, path].map((each) => `!${each}`).join(' and ');
}
