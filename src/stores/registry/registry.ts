import type { Digest } from '../../images/digest.ts';

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
}

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
  /** Who pushed, for the audit trail. */
  actor: string;
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
  tags(repository: string, page: Page): Promise<Tag[]>;
  tagsOf(repository: string, digest: Digest): Promise<string[]>;
  history(repository: string, tag: string): Promise<TagMove[]>;
  referrers(repository: string, subject: Digest, artifactType?: string): Promise<StoredManifest[]>;
}

export interface RegistryWriter {
  /** Makes the repository if need be and links a blob to it (an upload or a mount); linking again renews the link. */
  linkBlob(repository: string, digest: Digest): Promise<void>;
  /**
   * Whether the repository links the blob, for a client that will rely on the answer (HEAD) and not send it again: the
   * link is renewed, so that housekeeping leaves it for the manifest to come.
   */
  touchBlob(repository: string, digest: Digest): Promise<boolean>;
  unlinkBlob(repository: string, digest: Digest): Promise<boolean>;
  /**
   * Stores manifest, edges, tags and their history in one transaction. The manifest blob must be in the content store.
   * @returns those of `required` that the repository does not link; when there are any, nothing was stored
   */
  putManifest(repository: string, put: ManifestPut): Promise<Digest[]>;
  /** False when there was none. */
  deleteTag(repository: string, tag: string, actor: string): Promise<boolean>;
  /** Takes the manifest and every tag on it out of sight. */
  deleteManifest(repository: string, digest: Digest, actor: string): Promise<boolean>;
  /**
   * Forgets links made before `before` (milliseconds since 1970) to blobs that no manifest of the repository names: what
   * is left of broken pushes and of deleted manifests. Housekeeping calls it before the content store collects.
   * @returns how many
   */
  dropUnusedLinks(before: number): Promise<number>;
}

export interface RegistryStore extends RegistryReader, RegistryWriter {}
