import { isDigest } from '../../../images/digest.ts';
import { formatReference, parseReference, type Reference } from '../../../images/reference.ts';
import { Problem } from '../../../lib/problem.ts';

/**
 * The reference that two parameters mean together, as docker splits names.
 * @param tag a tag or a digest; empty: whatever `repository` says
 * @throws Problem `invalid`
 */
export function referenceOf(repository: string, tag: string): Reference {
  const named = parseReference(repository);
  if (tag === '') return named;
  const { host, repository: path } = named;
  return isDigest(tag)
    ? { host, repository: path, digest: tag }
    : parseReference(`${formatReference({ host, repository: path })}:${tag}`);
}

/**
 * A name to give to an image, as `repo` and `tag` say it; `latest` where no tag is said.
 * @returns undefined when nobody names it
 * @throws Problem `invalid`
 */
export function newName(query: URLSearchParams): string | undefined {
  const repository = query.get('repo') ?? '';
  if (repository === '') return undefined;
  const { host, repository: path, tag = 'latest', digest } = referenceOf(repository, query.get('tag') ?? '');
  if (digest !== undefined) throw new Problem('invalid', 'refusing to create a tag with a digest reference');
  return formatReference({ host, repository: path, tag });
}
