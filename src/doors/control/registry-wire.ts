import type { Digest } from '../../images/digest.ts';
import type { RegistryEvent } from '../../stores/registry/events.ts';
import type { DeletedManifest, RegistrySize, Tag, TagMove } from '../../stores/registry/registry.ts';
import type { NewRepository, RepositoryChange } from '../../stores/repositories/repositories.ts';
import type { Repository } from '../../stores/repositories/repository.ts';
import type { SeenDigest } from '../../stores/upstream/sightings.ts';
import type { UpstreamState } from '../../stores/upstream/upstream-state.ts';

/** A repository as a person names it: `PROJECT/REPOSITORY` in the default location, or `LOCATION/PROJECT/REPOSITORY`. */
export interface NamedRepository {
  name: string;
}

/** What the command line asks about our own registry. */
export interface RegistryCalls {
  repositories: { request: { project?: string | undefined }; event: never; result: (Repository & RegistrySize)[] };
  repository: {
    request: NamedRepository;
    event: never;
    result: Repository & RegistrySize & { upstream?: UpstreamState | undefined };
  };
  createRepository: {
    request: NamedRepository & { settings: Omit<NewRepository, 'location' | 'project' | 'repository'> };
    event: never;
    result: Repository;
  };
  updateRepository: { request: NamedRepository & { change: RepositoryChange }; event: never; result: Repository };
  /** @throws Problem `not-found` */
  removeRepository: { request: NamedRepository; event: never; result: null };
  /** The cleanup policies, now; or what they would do. One event for each version that is deleted, or that is judged. */
  cleanupRepository: {
    request: NamedRepository & { dryRun: boolean };
    event: CleanupLine;
    result: { judged: number; deleted: number };
  };
  /** Newest first, of all repositories or of those whose key begins so. */
  registryEvents: { request: { name?: string | undefined; limit: number }; event: never; result: RegistryEvent[] };
  /** Of an image of ours, in byte order. */
  tags: { request: { image: string }; event: never; result: Tag[] };
  /** What a tag meant and when, newest first: of ours each move, of another registry what was seen of it. */
  tagHistory: {
    request: { image: string };
    event: never;
    result: { moves: TagMove[] } | { seen: SeenDigest[] };
  };
  /** Every image of ours that carries the tag. */
  tagged: {
    request: { tag: string; project?: string | undefined };
    event: never;
    result: { image: string; digest: Digest; since: number }[];
  };
  /** What was deleted of an image of ours and can come back. */
  deletedImages: { request: { image: string }; event: never; result: DeletedManifest[] };
  /** `IMAGE@DIGEST`. @returns its tags that came back; @throws Problem `not-found` */
  undeleteImage: { request: { image: string }; event: never; result: string[] };
  /** A tag or a digest of our own registry. @throws Problem `not-found`, `conflict` (immutable) */
  removeFromRegistry: { request: { image: string }; event: never; result: null };
}

/** One version and what the policies say of it. */
export interface CleanupLine {
  image: string;
  digest: Digest;
  tags: string[];
  goes: boolean;
  reason: string;
}
