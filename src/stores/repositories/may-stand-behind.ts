import { Problem } from '../../lib/problem.ts';
import type { RepositoryReader } from './repositories.ts';
import { type Repository, repositoryPath, type VirtualUpstream } from './repository.ts';

/**
 * Whether a virtual repository of that project may show what this one holds. Who reads the virtual one sees through it; so
 * that nobody opens another project's images by naming them, members lie in its own project, in a shared one, or are open
 * to everybody.
 */
export function mayStandBehind(
  member: Pick<Repository, 'project' | 'anonymousPull'>,
  project: string,
  sharedProjects: readonly string[],
): boolean {
  return member.project === project || sharedProjects.includes(member.project) || member.anonymousPull;
}

/** @throws Problem `invalid` for a member that would be left out of every pull: nobody could tell why it shows nothing */
export async function checkMembersShown(
  project: string,
  members: readonly VirtualUpstream[],
  repositories: Pick<RepositoryReader, 'get'>,
  sharedProjects: readonly string[],
): Promise<void> {
  for (const { repository } of members) {
    const member = await repositories.get(repository);
    if (member === undefined || mayStandBehind(member, project, sharedProjects)) continue;
    throw new Problem(
      'invalid',
      `${repositoryPath(member)} is another project's, and would be left out of every pull`,
      {
        hint: 'Members lie in the same project, in one of registries.sharedProjects, or are open to everybody.',
      },
    );
  }
}
