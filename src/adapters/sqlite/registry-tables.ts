import type { Generated, Transaction } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { RegistryAction, RegistryEvent } from '../../stores/registry/events.ts';
import type { RepositoryMode } from '../../stores/repositories/repository.ts';
import type { DirectRows } from './direct-rows.ts';

/** The tables of migrations 0002, 0011 and 0012, and of the blobs what sizes are counted from. */
export type RegistryTables = {
  /** Images; `key` is no name any more when `removed_at` is set. */
  repositories: { id: Generated<number>; key: string; created_at: number; removed_at: number | null };
  repository_settings: {
    path: string;
    location: string;
    project: string;
    mode: RepositoryMode;
    immutable_tags: 0 | 1;
    /** JSON of all other fields. */
    settings: string;
    created_at: number;
    updated_at: number;
  };
  repository_blobs: { repository_id: number; digest: Digest; linked_at: number; unlinked_at: number | null };
  manifests: {
    id: Generated<number>;
    repository_id: number;
    digest: Digest;
    media_type: string;
    size: number;
    artifact_type: string | null;
    annotations: string | null;
    subject: Digest | null;
    created_at: number;
    renewed_at: number;
    deleted_at: number | null;
    deleted_by: string | null;
    /** JSON array of the tags that went with it. */
    deleted_tags: string | null;
  };
  manifest_edges: {
    manifest_id: number;
    digest: Digest;
    kind: 'blob' | 'child';
    /** As its manifest has them. */
    repository_id: number;
    deleted: 0 | 1;
  };
  tags: { repository_id: number; name: string; digest: Digest; since: number };
  tag_moves: {
    id: Generated<number>;
    repository_id: number;
    name: string;
    digest: Digest;
    since: number;
    actor: string;
    until: number | null;
    ended_by: string | null;
  };
  registry_events: {
    id: Generated<number>;
    at: number;
    actor: string;
    action: RegistryAction;
    project: string;
    repository: string;
    digest: Digest | null;
    tag: string | null;
    before: Digest | null;
  };
  blobs: { digest: Digest; size: number };
};

export type RegistryTransaction = Transaction<RegistryTables>;

/** Who changes what, and when. */
export interface Actor {
  /** Of the same transaction. */
  rows: DirectRows;
  key: string;
  actor: string;
  now: number;
  /** What has happened so far; written at the end of the transaction. */
  events: Omit<RegistryEvent, 'id'>[];
}

/** A change of an image that is there. */
export interface Change extends Actor {
  repositoryId: number;
}

/** Text beyond all that begin with a prefix: no character of a name sorts behind U+10FFFF. */
export const BEYOND_NAMES = '\u{10ffff}';
