import { Problem } from '../lib/problem.ts';
import type { Grant } from './identity.ts';

/** A path segment of a project, a repository or an image (distribution-spec, "Pulling manifests"). */
const SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/**
 * What a token is for, as people write it: `P`, `P/*`, `P/R`, `P/R/*`, `P/R/team/*`, `P/R/team/api`, or `*` for
 * everything.
 * @throws Problem `invalid`
 */
export function parseGrantScope(text: string): Omit<Grant, 'role'> {
  if (text === '*') return { project: '*' };
  const [project = '', repository, ...image] = text.split('/');
  const pattern = image.at(-1) === '*' ? image.slice(0, -1) : image;
  const whole = repository === undefined || (repository === '*' && image.length === 0);
  const named = whole ? [project] : [project, repository, ...pattern];
  // a project of Google's may carry its domain: example.com:team
  if (!named.every((part, i) => SEGMENT.test(i === 0 ? part.replace(':', '-') : part)))
    throw new Problem('invalid', `${JSON.stringify(text.slice(0, 300))} names no repositories`, {
      hint: 'Write PROJECT, PROJECT/REPOSITORY, PROJECT/REPOSITORY/IMAGE, or PROJECT/REPOSITORY/FOLDER/* for all images below one.',
    });
  if (whole) return { project };
  if (pattern.length === 0) return { project, repository };
  const images = pattern.join('/');
  return { project, repository, images: pattern.length < image.length ? `${images}/*` : images };
}

/** The same the other way, for lists and messages. */
export function formatGrantScope({ project, repository, images }: Omit<Grant, 'role'>): string {
  return [project, repository, images].filter((part) => part !== undefined).join('/');
}
