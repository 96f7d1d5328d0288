import { RE2JS } from 're2js';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { BuildRequest } from '../request/request.ts';

export type RepoSource = NonNullable<NonNullable<BuildRequest['source']>['repoSource']>;

/** How a source says which commit it means: by itself, or as the one name that a pattern leaves. */
export type RepoRevision = { commit: string } | { kind: 'heads' | 'tags'; pattern: string; invert: boolean };

/** @throws Problem `invalid` unless exactly one of branch, tag and commit is named */
export function repoRevision({ branchName, tagName, commitSha, invertRegex }: RepoSource): RepoRevision {
  const given = [branchName, tagName, commitSha].filter((value) => value !== undefined && value !== '');
  if (given.length !== 1)
    throw new Problem('invalid', 'repoSource needs exactly one of branchName, tagName and commitSha');
  if (commitSha) return { commit: commitSha };
  const invert = invertRegex === true;
  return branchName
    ? { kind: 'heads', pattern: branchName, invert }
    : { kind: 'tags', pattern: tagName as string, invert };
}

/**
 * The name that is meant among those that there are: the pattern itself when it is one, else the only one that the regular
 * expression (RE2, anywhere in the name) matches, or with `invert` doesn't.
 * @throws Problem `invalid` for no regular expression and for several names, `not-found` for none
 */
export function chooseRef(
  { kind, pattern, invert }: Exclude<RepoRevision, { commit: string }>,
  names: readonly string[],
  repository: string,
): string {
  if (!invert && names.includes(pattern)) return pattern;
  const expression = compile(pattern);
  const matching = names.filter((name) => expression.matcher(name).find() !== invert);
  const [only, another] = matching;
  const word = kind === 'heads' ? 'branch' : 'tag';
  if (only === undefined)
    throw new Problem('not-found', `${repository} has no ${word} that ${invert ? 'is not ' : 'matches '}${pattern}`, {
      hint: names.length === 0 ? `It has no ${word} at all.` : `It has ${listed(names)}.`,
    });
  if (another !== undefined)
    throw new Problem('invalid', `${matching.length} of ${repository} match ${word} ${pattern}: ${listed(matching)}`, {
      hint: `Name one: ^${only}$.`,
    });
  return only;
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new Problem('invalid', `${JSON.stringify(pattern)} is no regular expression (RE2): ${messageOf(error)}`);
  }
}

const SHOWN = 10;

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}
