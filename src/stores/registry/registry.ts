import type { Digest } from '../../images/digest.ts';
import type { RegistryEvents } from './events.ts';
import type { TagCondition } from './tag-condition.ts';

/**
 * Repositories of our own registry: which blobs and manifests belong to which, what the tags mean and meant.
 * No HTTP, no bytes: manifests themselves lie in the content store.
 *
 * A repository is named `LOCATION/PROJECT/REPOSITORY/IMAGE...` (Artifact Registry's location, project, repository and
 * image path; see name.ts). The first push makes it. A manifest lives as long as a tag, a parent index, its subject or a
 * person keeps it; a published version never changes, a tag's moves are all kept with their dates.
 */
export interface StoredManifest {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  artifactType?: string | undefined;
  annotations?: Record<string, string> | undefined;
  subject?: Digest | undefined;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** When it was last pushed or brought back; cleanup policies count its age from then. */
  renewedAt: number;
}

/** A manifest with what is needed to judge it: for lists and for cleanup. */
export interface RegistryVersion extends StoredManifest {
  tags: string[];
  /** Manifests of an index, whether or not they are there. */
  children: Digest[];
  /** In a remote repository: when it was last asked for, and when by its digest. Milliseconds since 1970. */
  lastPulled?: number | undefined;
  pinnedAt?: number | undefined;
}

/** How bytes come in: a push, or the fetch of a remote repository from its upstream. */
export type Origin = 'push' | 'upstream';

export interface ManifestPut {
  digest: Digest;
  mediaType: string;
  size: number;
  artifactType?: string | undefined;
  annotations?: Record<string, string> | undefined;
  subject?: Digest | undefined;
  /** Config and layers. */
  blobs: Digest[];
  /** Manifests of an index. */
  children: Digest[];
  /** Blobs that the repository must link, else nothing is stored; checked in the same transaction. */
  required?: Digest[] | undefined;
  /** Blobs that lie in the content store already, for a pusher beside it that has no upload to link them: linked with it. */
  link?: Digest[] | undefined;
  /** Tags to set on it, in the same transaction. */
  tags: string[];
  /** Its bytes, where they are still on their way: the commit waits for them. */
  onDisk?: Promise<unknown> | undefined;
  /** For each of the tags; checked in the same transaction. */
  condition?: TagCondition | undefined;
  /** Who pushed, for the audit trail. */
  actor: string;
  /** `push` when absent. */
  origin?: Origin | undefined;
}

export interface Tag {
  name: string;
  digest: Digest;
  /** Milliseconds since 1970: since when it means this digest. */
  since: number;
}

export interface TagMove extends Tag {
  /** Until when; absent for the present meaning. */
  until?: number | undefined;
  /** Who set it. */
  actor: string;
  /** Who moved or removed it. */
  endedBy?: string | undefined;
}

export interface Page {
  /** Exclusive; byte order. */
  after?: string | undefined;
  limit: number;
}

/** What was deleted and can come back: for `retention.undeleteHours` its rows and bytes stay as they were, out of sight. */
export interface DeletedManifest extends StoredManifest {
  deletedAt: number;
  deletedBy: string;
  /** Tags that went with it. */
  tags: string[];
}

/**
 * How many bytes an image, or all images of a repository, stand for. Each blob is counted once; what was deleted and what
 * no manifest names yet doesn't count.
 */
export interface RegistrySize {
  /** All manifests, and the blobs that they name and the repository holds. */
  bytes: number;
  /** Those of them that nothing else of the registry names: what a deletion would free. */
  ownBytes: number;
}

/** A version as it was when somebody judged it. */
export type JudgedVersion = Pick<RegistryVersion, 'digest' | 'tags' | 'renewedAt'>;

export interface RegistryReader {
  exists(repository: string): Promise<boolean>;
  /** Repositories in byte order, optionally only those below `prefix` (which ends in `/`). */
  repositories(page: Page, prefix?: string): Promise<string[]>;
  hasBlob(repository: string, digest: Digest): Promise<boolean>;
  /** Those of these blobs that the repository does not link. */
  missingBlobs(repository: string, digests: Digest[]): Promise<Digest[]>;
  /** Repositories that link a blob: candidates for a mount without `from`. */
  repositoriesOfBlob(digest: Digest): Promise<string[]>;
  /** A manifest of the repository that names this blob or manifest, as the reason why it can't be removed. */
  userOf(repository: string, digest: Digest): Promise<Digest | undefined>;
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  manifests(repository: string, page: Page): Promise<StoredManifest[]>;
  /** As `manifests`, with tags and children. */
  versions(repository: string, page: Page): Promise<RegistryVersion[]>;
  tags(repository: string, page: Page): Promise<Tag[]>;
  /** As `tags`, the names alone: what clients list, by the thousand. */
  tagNames(repository: string, page: Page): Promise<string[]>;
  tagsOf(repository: string, digest: Digest): Promise<string[]>;
  history(repository: string, tag: string): Promise<TagMove[]>;
  referrers(repository: string, subject: Digest, artifactType?: string): Promise<StoredManifest[]>;
  /** What the tag meant at that moment (milliseconds since 1970): `name@{2026-09-30}`. */
  tagAt(repository: string, tag: string, at: number): Promise<TagMove | undefined>;
  /** Repositories and digests that carry a tag now, in all repositories below `prefix`: everything of a commit. */
  tagged(tag: string, prefix?: string): Promise<{ repository: string; digest: Digest; since: number }[]>;
  /** Newest first. */
  deleted(repository: string): Promise<DeletedManifest[]>;
  /**
   * Of one repository key, or of all below a prefix that ends in `/`. It looks at every blob, some 300,000 in a second, a
   * page at a time; where that takes long, the answer may be twenty times as old.
   */
  size(repositoryOrPrefix: string): Promise<RegistrySize>;
}

/**
 * Whatever brings something in makes the repository if need be.
 * @throws Problem `not-found` when there is none and `registries.createOnPush` is off; `denied` when it is remote or
 *   virtual, which hold what their upstreams have. What comes from upstream makes no repository: it was removed meanwhile
 */
export interface RegistryWriter {
  /** The same complaints before any byte was sent; changes nothing. */
  checkPush(repository: string): Promise<void>;
  /** Links a blob to the repository (an upload or a mount); linking again renews the link. */
  linkBlob(repository: string, digest: Digest, origin?: Origin, actor?: string): Promise<void>;
  /**
   * Whether the repository links the blob, for a client that will rely on the answer (HEAD) and not send it again: the
   * link is renewed, so that housekeeping leaves it for the manifest to come.
   */
  touchBlob(repository: string, digest: Digest): Promise<boolean>;
  /** A blob that a deleted manifest names stays, out of sight, for as long as that can come back. */
  unlinkBlob(repository: string, digest: Digest): Promise<boolean>;
  /**
   * Stores manifest, edges, tags and their history in one transaction. The manifest blob must be in the content store.
   * One that was deleted comes alive, without the tags that it had.
   * @returns those of `required` that the repository does not link; when there are any, nothing was stored
   * @throws Problem `conflict` when a tag would move in a repository of immutable tags, `TagMoved` when one doesn't meet
   *   the condition
   */
  putManifest(repository: string, put: ManifestPut): Promise<Digest[]>;
  /**
   * Points a tag at a manifest that is there.
   * @returns false when there is no such manifest
   * @throws Problem `conflict` when the tag would move in a repository of immutable tags
   */
  setTag(repository: string, tag: string, digest: Digest, actor: string): Promise<boolean>;
  /** False when there was none. @throws Problem `conflict` in a repository of immutable tags */
  deleteTag(repository: string, tag: string, actor: string): Promise<boolean>;
  /**
   * Takes the manifest and every tag on it out of sight; `undelete` brings both back.
   * @throws Problem `conflict` when it has tags and they are immutable
   */
  deleteManifest(repository: string, digest: Digest, actor: string): Promise<boolean>;
  /**
   * As `deleteManifest`, of those versions that are still as they were judged, that no tag holds fast, that no other
   * index names, and whose subject has gone: what changes meanwhile stays.
   * @returns those that were deleted
   */
  deleteVersions(repository: string, versions: JudgedVersion[], actor: string): Promise<Digest[]>;
  /**
   * Brings a deleted manifest back, with those of its tags that nothing else has taken meanwhile; and with it its deleted
   * children, and those of its referrers that were deleted with it or later.
   * @returns the tags; undefined when there is no such deleted manifest
   */
  undelete(repository: string, digest: Digest, actor: string): Promise<string[] | undefined>;
  /**
   * Really removes what was deleted before then (milliseconds since 1970), whole repositories included.
   * @returns how many manifests
   */
  forgetDeleted(before: number): Promise<number>;
  /**
   * Forgets links made before `before` (milliseconds since 1970) to blobs that no manifest of the repository names: what
   * is left of broken pushes and of deleted manifests. Housekeeping calls it before the content store collects.
   * @returns how many
   */
  dropUnusedLinks(before: number): Promise<number>;
}

export interface RegistryStore extends RegistryReader, RegistryWriter, RegistryEvents {}
