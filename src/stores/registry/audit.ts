import { isDeepStrictEqual } from 'node:util';
import type { Digest } from '../../images/digest.ts';
import { type Manifest, parseManifest } from '../../images/manifest.ts';
import { Problem } from '../../lib/problem.ts';
import { describeManifest, type ManifestDescription } from './describe.ts';

/** A manifest as the rows have it, deleted ones included. */
export interface RecordedManifest {
  id: number;
  /** Key of its image; of a removed repository, what stands in its place. */
  repository: string;
  digest: Digest;
  mediaType: string;
  size: number;
  artifactType?: string | undefined;
  annotations?: Record<string, string> | undefined;
  subject?: Digest | undefined;
  blobs: Digest[];
  children: Digest[];
  /** Whether its edges repeat its repository and whether it is deleted, as they must. */
  edgesAgree: boolean;
}

export interface RecordedTag {
  repository: string;
  name: string;
  digest: Digest;
}

/** A link of an image to a blob that has no row. */
export interface LooseLink {
  repository: string;
  digest: Digest;
  /** Whether a manifest of the image names the blob. */
  named: boolean;
}

/** The registry's rows as they are, for whoever compares them with the bytes; it stays inside the owner. */
export interface RegistryAudit {
  /** In the order of their ids. */
  recorded(after: number, limit: number): Promise<RecordedManifest[]>;
  /** Those of these that are there still. */
  present(ids: number[]): Promise<Set<number>>;
  /** Writes what a manifest's bytes say over its row and edges. @returns false when the row has gone */
  correct(id: number, description: ManifestDescription): Promise<boolean>;
  /** Tags that mean a manifest which isn't there, or is deleted; in pages that may be empty. */
  danglingTags(): AsyncIterable<RecordedTag[]>;
  looseLinks(): AsyncIterable<LooseLink[]>;
  /** Drops links to blobs that have no row and that no manifest of their image names. @returns how many */
  dropLooseLinks(): Promise<number>;
}

/** What a manifest's own bytes say, whatever its row does. @throws Problem `invalid` */
export function describeBytes(recorded: RecordedManifest, bytes: Uint8Array): ManifestDescription {
  return describeManifest(parseAs(recorded.mediaType, bytes), recorded.digest, bytes.length);
}

/** The word of the row counts where the bytes don't say what they are. */
function parseAs(mediaType: string, bytes: Uint8Array): Manifest {
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return parseManifest(bytes);
  }
}

/** Which parts of a row are not as the bytes say. */
export function differences(recorded: RecordedManifest, said: ManifestDescription): string[] {
  const pairs: Record<string, [unknown, unknown]> = {
    'media type': [recorded.mediaType, said.mediaType],
    size: [recorded.size, said.size],
    'artifact type': [recorded.artifactType, said.artifactType],
    annotations: [recorded.annotations, said.annotations],
    subject: [recorded.subject, said.subject],
    // a digest that is in both lists counts as a child, as when it was stored
    blobs: [sorted(recorded.blobs), sorted(said.blobs.filter((digest) => !said.children.includes(digest)))],
    children: [sorted(recorded.children), sorted(said.children)],
  };
  const found = Object.entries(pairs)
    .filter(([, [row, bytes]]) => !isDeepStrictEqual(row, bytes))
    .map(([name]) => name);
  return recorded.edgesAgree ? found : [...found, 'marks of edges'];
}

function sorted(digests: Digest[]): Digest[] {
  return [...new Set(digests)].sort();
}
