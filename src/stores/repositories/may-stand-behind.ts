import type { Repository } from './repository.ts';

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
