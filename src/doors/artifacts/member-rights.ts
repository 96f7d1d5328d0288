import { type Identity, may } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import { checkMembersShown } from '../../stores/repositories/may-stand-behind.ts';
import { type Repository, repositoryPath, type VirtualUpstream } from '../../stores/repositories/repository.ts';
import { permissionDenied } from '../http/google-access.ts';
import type { ArtifactsDeps } from './call.ts';

/**
 * Whether the caller may put these behind a virtual repository: it shows them to all its readers, so that only who reads a
 * repository may name it there. Those that are behind it already may stay, whoever named them.
 * @throws Problem `denied`; `invalid` for those of other projects, which would be left out of every pull
 */
export async function checkMembers(
  identity: Identity,
  { project }: Pick<Repository, 'project'>,
  members: readonly VirtualUpstream[],
  deps: ArtifactsDeps,
  before: readonly VirtualUpstream[] = [],
): Promise<void> {
  const present = new Set(before.map(({ repository }) => repositoryPath(repository)));
  const shared = deps.sharedProjects();
  for (const { repository: id } of members) {
    const path = repositoryPath(id);
    if (present.has(path)) continue;
    const member = await deps.repositories.get(id);
    const isOpen = member?.anonymousPull === true || shared.includes(id.project);
    if (!isOpen && !may(identity, 'reader', id.project, id.repository))
      throw permissionDenied('reader', [id.project, id.repository]);
  }
  await checkMembersShown(project, members, deps.repositories, shared);
}

/**
 * What the owner fetches from other registries, perhaps with a password, is not for a token holder to open to everybody.
 * @throws Problem `denied`
 */
export async function checkMayOpen(identity: Identity, repository: Repository, deps: ArtifactsDeps): Promise<void> {
  if (identity.kind === 'owner') return;
  const behind = await Promise.all(
    (repository.virtual ?? []).map((member) => deps.repositories.get(member.repository)),
  );
  const owners = [repository, ...behind].find((one) => one?.remote?.byOwner === true && !one.anonymousPull);
  if (owners === undefined) return;
  throw new Problem('denied', `${repositoryPath(owners)} fetches from its upstream in the name of the server's owner`, {
    hint: `The owner may open it: slipway repo update ${repositoryPath(repository)} --public.`,
  });
}
