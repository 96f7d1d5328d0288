import { familiarName, type Reference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';

/** What a registry answered, in the words that docker's users know and search for. */
export function pullProblem(error: unknown, reference: Reference): unknown {
  if (!(error instanceof Problem)) return error;
  const name = familiarName(reference);
  const { host, repository } = reference;
  const options = { cause: error, hint: error.hint };
  if (error.code === 'not-found')
    return new Problem('not-found', `manifest for ${name} not found: manifest unknown: manifest unknown`, options);
  if (error.code === 'denied' || error.code === 'unauthenticated')
    return new Problem(
      error.code,
      `pull access denied for ${familiarName({ host, repository })}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
      options,
    );
  return error;
}
