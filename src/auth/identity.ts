/**
 * Who asks, and what they may do. Deny by default: an identity may do what one of its grants says, nothing else.
 * Roles contain each other: admin > writer > reader.
 */
export type Role = 'reader' | 'writer' | 'admin';

export interface Grant {
  role: Role;
  /** A project, or `*` for all. */
  project: string;
  /** One repository of the project; absent: all of them. */
  repository?: string | undefined;
  /** Images of that repository: a name, or the beginning of names before a `*`; absent: all of them. */
  images?: string | undefined;
}

export interface Identity {
  /** `owner`: whoever may open the unix socket; `build`: a running build, ends with it. */
  kind: 'owner' | 'token' | 'build' | 'anonymous';
  /** For the audit trail: token id, build id ... */
  name: string;
  grants: Grant[];
}

export const OWNER: Identity = { kind: 'owner', name: 'owner', grants: [{ role: 'admin', project: '*' }] };
export const ANONYMOUS: Identity = { kind: 'anonymous', name: 'anonymous', grants: [] };

const RANK: Record<Role, number> = { reader: 1, writer: 2, admin: 3 };

/**
 * Whether the identity has `role` (or a higher one) for the project, or for that repository or image of it. A grant for a
 * part never answers a question about the whole.
 */
export function may(identity: Identity, role: Role, project: string, repository?: string, image?: string): boolean {
  return identity.grants.some(
    (grant) =>
      RANK[grant.role] >= RANK[role] &&
      (grant.project === '*' || grant.project === project) &&
      (grant.repository === undefined || grant.repository === repository) &&
      (grant.images === undefined || (image !== undefined && matches(grant.images, image))),
  );
}

/** Whether the identity may read anything of a project, or of that repository of it. */
export function mayReadSome({ grants }: Identity, project: string, repository?: string): boolean {
  return grants.some(
    (grant) =>
      (grant.project === '*' || grant.project === project) &&
      (grant.repository === undefined || repository === undefined || grant.repository === repository),
  );
}

function matches(pattern: string, image: string): boolean {
  return pattern.endsWith('*') ? image.startsWith(pattern.slice(0, -1)) : image === pattern;
}
