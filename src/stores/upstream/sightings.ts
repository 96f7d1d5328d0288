import type { Digest } from '../../images/digest.ts';

/** A tag of somebody else's registry: `docker.io`, `library/python`, `3.11-slim-bullseye`. */
export interface UpstreamTag {
  host: string;
  repository: string;
  tag: string;
}

/** A time in which every look at a tag found the same digest. Milliseconds since 1970. */
export interface SeenDigest {
  digest: Digest;
  firstSeen: number;
  lastSeen: number;
  /** When the registry was first found to have the tag no longer. */
  vanishedAt?: number | undefined;
}

/**
 * What the tags of other registries meant, each time that this machine asked: for a remote repository, a pull or a FROM.
 * Registries forget what a tag meant before; these rows don't.
 */
export interface UpstreamSightings {
  /** The tag means this digest now. */
  noteTag(name: UpstreamTag, digest: Digest): Promise<void>;
  /** The registry has the tag no longer. Nothing happens when it was never seen. */
  noteVanished(name: UpstreamTag): Promise<void>;
  latest(name: UpstreamTag): Promise<SeenDigest | undefined>;
  /** Newest first. */
  seen(name: UpstreamTag): Promise<SeenDigest[]>;
  /** Tags that mean this digest as far as anybody knows. */
  tagsSeenOn(host: string, repository: string, digest: Digest): Promise<string[]>;
}

/** What is known of a tag in a span of time. */
export interface TagMeaning {
  /** Digests that it certainly had within the span, oldest first. */
  within: SeenDigest[];
  /** The last look before the span, where none fell into it. */
  before?: SeenDigest | undefined;
  /** The first look after the span, where none fell into it. With the same digest as `before`, it meant that all along. */
  after?: SeenDigest | undefined;
}

/**
 * What a tag meant between two moments (a day, or twice the same moment).
 * @param seen as `UpstreamSightings.seen` gives it
 */
export function meaningBetween(seen: readonly SeenDigest[], from: number, to: number): TagMeaning {
  const oldestFirst = [...seen].sort((a, b) => a.firstSeen - b.firstSeen);
  const within = oldestFirst.filter((run) => run.firstSeen <= to && run.lastSeen >= from);
  if (within.length > 0) return { within };
  return {
    within,
    before: oldestFirst.findLast((run) => run.lastSeen < from),
    after: oldestFirst.find((run) => run.firstSeen > to),
  };
}
