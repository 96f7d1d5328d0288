import { type Digest, digestAlgorithm, isDigest } from '../../images/digest.ts';
import { parseManifest } from '../../images/manifest.ts';
import { isTag } from '../../images/reference.ts';
import type { RemoteCheck } from '../../images/remote/check.ts';
import type { RemoteManifest } from '../../images/remote/pull.ts';
import { type Clock, systemClock, timestamp } from '../../lib/clock.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { ContentStore } from '../content/content.ts';
import { describeManifest } from '../registry/describe.ts';
import type { RegistryStore, StoredManifest } from '../registry/registry.ts';
import type { PulledManifest, PullOptions } from './pull-source.ts';
import type { RemoteImage } from './remote-image.ts';
import type { UpstreamRows } from './rows.ts';
import type { UpstreamTag } from './sightings.ts';
import { upstreamProblem } from './upstream-problem.ts';
import { concernsUpstream, UpstreamRest } from './upstream-rest.ts';

/** Whoever has a copy waits so long for the word of the upstream, and serves the copy then. Milliseconds. */
const CHECK_MS = 10_000;
/** A tag that upstream doesn't have, or won't tell of, is not asked for again so soon by whoever has a copy. */
const ASKED_LATELY_MS = 30_000;
/** A date of use is written anew after so long: every write is a flush of the disk. */
const NOTE_MS = 60 * 60 * 1000;
const REMEMBERED = 10_000;

export interface RemoteManifestParts {
  content: ContentStore;
  registry: RegistryStore;
  rows: UpstreamRows;
  clock?: Clock | undefined;
  /** Milliseconds; 10 s unless told. */
  checkMs?: number | undefined;
}

/** What an upstream said of a tag, or why it said nothing. */
type Word = RemoteCheck | { kind: 'failed'; problem: Problem };

/**
 * Manifests of remote repositories. A digest that is kept is served without a question. A tag is fresh for a while after each
 * look at upstream; then one HEAD tells what it means, and only another digest is fetched. What is kept stays whatever the
 * upstream does: it is served with a warning when upstream fails, refuses, or has the tag no longer.
 */
export class RemoteManifests {
  readonly rest: UpstreamRest;
  readonly #parts: RemoteManifestParts;
  readonly #clock: Clock;
  readonly #asking = new SingleFlight<string, Word>();
  readonly #fetching = new SingleFlight<string, StoredManifest>();
  /** Tags that no fresh sighting can stand for: when they were asked for, and what to say of the copy. */
  readonly #askedLately = new LatelyUsed<string, { at: number; warning: string }>(REMEMBERED);
  readonly #noted = new LatelyUsed<string, number>(REMEMBERED);

  constructor(parts: RemoteManifestParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.rest = new UpstreamRest(this.#clock);
  }

  async pull(image: RemoteImage, reference: string, options: PullOptions): Promise<PulledManifest | undefined> {
    // it becomes part of a URL upstream: `../../other/manifests/1` must not
    if (!isDigest(reference) && !isTag(reference)) return undefined;
    const found = isDigest(reference)
      ? await this.#byDigest(image, reference, options)
      : await this.#byTag(image, reference, options);
    if (found?.stored === true && options.head !== true)
      await this.#notePull(image, found.manifest.digest, isDigest(reference));
    return found;
  }

  /** Brings a manifest here that nobody has asked for yet. @throws Problem of the upstream */
  async bring(image: RemoteImage, digest: Digest): Promise<StoredManifest> {
    return (await this.#kept(image, digest)) ?? (await this.#fetch(image, digest));
  }

  async #byDigest(image: RemoteImage, digest: Digest, options: PullOptions): Promise<PulledManifest | undefined> {
    const kept = await this.#kept(image, digest);
    if (kept !== undefined) return served(kept);
    if (options.storedOnly === true) return undefined;
    try {
      if (options.head === true) {
        const word = await image.client.check({ host: image.upstream.host, repository: image.name, digest });
        if (word.kind === 'absent') return undefined;
        if (word.kind === 'found' && word.digest === digest) return this.#told(word);
      }
      return served(await this.#fetch(image, digest));
    } catch (error) {
      return undefinedIfGone(error, image);
    }
  }

  async #byTag(image: RemoteImage, tag: string, options: PullOptions): Promise<PulledManifest | undefined> {
    const kept = await this.#kept(image, tag);
    if (options.storedOnly === true) return kept === undefined ? undefined : served(kept);
    if (kept !== undefined) {
      if (await this.#isFresh(image, tag, kept)) return served(kept);
      const warning = this.#reasonNotToAsk(image, tag, kept);
      if (warning !== undefined) return served(kept, warning);
    }
    const word = await this.#ask(image, tag, kept !== undefined);
    if (word.kind === 'absent') return this.#absent(image, tag, kept);
    if (word.kind === 'failed') return this.#stale(image, tag, kept, word.problem);
    try {
      if (word.kind === 'silent') return served(await this.#fetch(image, tag));
      if (kept?.digest === word.digest) return served(kept);
      const known = await this.#kept(image, word.digest);
      // docker asks by HEAD and then wants that digest: where a copy is kept, none is promised that can't be fetched
      if (options.head === true && known === undefined && kept === undefined) return this.#told(word);
      return served(known === undefined ? await this.#fetch(image, word.digest) : await this.#retag(image, known));
    } catch (error) {
      if (kept === undefined) return undefinedIfGone(error, image);
      return this.#stale(image, tag, kept, upstreamProblem(error, image));
    }
  }

  /** Recorded here, and its bytes are there. */
  async #kept({ key }: RemoteImage, reference: string): Promise<StoredManifest | undefined> {
    const { content, registry } = this.#parts;
    const manifest = await registry.manifest(key, reference);
    return manifest === undefined || (await content.stat(manifest.digest)) === undefined ? undefined : manifest;
  }

  async #isFresh(image: RemoteImage, tag: string, kept: StoredManifest): Promise<boolean> {
    const seen = await this.#parts.rows.latest(upstreamTag(image, tag));
    if (seen === undefined || seen.digest !== kept.digest || seen.vanishedAt !== undefined) return false;
    const age = this.#clock.now() - seen.lastSeen;
    return age >= 0 && age < image.remote.freshSeconds * 1000;
  }

  #reasonNotToAsk(image: RemoteImage, tag: string, kept: StoredManifest): string | undefined {
    const resting = this.rest.problem(image.upstream.url);
    if (resting !== undefined) return this.#staleText(image, kept, resting);
    const lately = this.#askedLately.get(`${image.key}:${tag}`);
    if (lately === undefined || this.#clock.now() - lately.at > ASKED_LATELY_MS) return undefined;
    return lately.warning;
  }

  /** One HEAD, however many ask; where a copy is kept, within a bound of time. */
  #ask(image: RemoteImage, tag: string, hasCopy: boolean): Promise<Word> {
    const { client, upstream, name, key } = image;
    return this.#asking.do(`${key}:${tag}`, async () => {
      const signal = hasCopy ? AbortSignal.timeout(this.#parts.checkMs ?? CHECK_MS) : undefined;
      let word: Word;
      try {
        const attempts = hasCopy ? 1 : undefined;
        const asked = client.check({ host: upstream.host, repository: name, tag }, { signal, attempts });
        word = await withinSignal(asked, signal);
        this.rest.answered(upstream.url);
      } catch (error) {
        const problem =
          signal?.aborted === true
            ? new Problem('timeout', `no answer within ${(this.#parts.checkMs ?? CHECK_MS) / 1000} s`)
            : problemOf(error);
        if (concernsUpstream(problem)) this.rest.failed(upstream.url, problem);
        word = { kind: 'failed', problem };
      }
      if (word.kind === 'found') await this.#parts.rows.noteTag(upstreamTag(image, tag), word.digest);
      if (word.kind === 'absent') await this.#parts.rows.noteVanished(upstreamTag(image, tag));
      return word;
    });
  }

  async #absent(
    image: RemoteImage,
    tag: string,
    kept: StoredManifest | undefined,
  ): Promise<PulledManifest | undefined> {
    if (kept === undefined) return undefined;
    const seen = await this.#parts.rows.latest(upstreamTag(image, tag));
    const since = timestamp(seen?.vanishedAt ?? this.#clock.now());
    const warning = `${image.upstream.host} has no ${image.sighted}:${tag} any more (noticed ${since}); this is the copy that is kept here`;
    this.#askedLately.set(`${image.key}:${tag}`, { at: this.#clock.now(), warning });
    return served(kept, warning);
  }

  #stale(image: RemoteImage, tag: string, kept: StoredManifest | undefined, problem: Problem): PulledManifest {
    if (kept === undefined) throw upstreamProblem(problem, image);
    const warning = this.#staleText(image, kept, problem);
    this.#askedLately.set(`${image.key}:${tag}`, { at: this.#clock.now(), warning });
    return served(kept, warning);
  }

  #staleText({ upstream }: RemoteImage, kept: StoredManifest, problem: Problem): string {
    return `${upstream.host} could not be asked (${problem.message}); this is the copy of ${timestamp(kept.createdAt)}, which may be old`;
  }

  /** The name points elsewhere than before, at something that is here: no byte is fetched. */
  async #retag(image: RemoteImage, manifest: StoredManifest): Promise<StoredManifest> {
    const bytes = await this.#parts.content.read(manifest.digest);
    const { digest, mediaType } = manifest;
    return this.#store(image, { mediaType, digest, size: bytes.length }, bytes);
  }

  /** The only GET of a manifest; once for all that wait. */
  #fetch(image: RemoteImage, reference: string): Promise<StoredManifest> {
    return this.#fetching.do(`${image.key}@${reference}`, async () => {
      const { client, upstream, name } = image;
      const { descriptor, bytes } = await client.manifest(upstream.host, name, reference);
      this.rest.answered(upstream.url);
      if (!isDigest(reference)) await this.#parts.rows.noteTag(upstreamTag(image, reference), descriptor.digest);
      await this.#parts.content.put(bytes, digestAlgorithm(descriptor.digest));
      return this.#store(image, descriptor, bytes);
    });
  }

  /** Under all tags that were last seen on it: docker asks for a tag by HEAD and then pulls the digest. */
  async #store(
    image: RemoteImage,
    { digest, mediaType, size }: RemoteManifest['descriptor'],
    bytes: Buffer,
  ): Promise<StoredManifest> {
    const { registry, rows } = this.#parts;
    const actor = `upstream ${image.upstream.host}`;
    const tags = await rows.tagsSeenOn(image.upstream.host, image.sighted, digest);
    const { required: _, ...description } = describeManifest(parseManifest(bytes, mediaType), digest, size);
    await registry.putManifest(image.key, { ...description, tags, actor, origin: 'upstream' });
    const stored = await registry.manifest(image.key, digest);
    if (stored === undefined)
      throw new Problem('unavailable', `${image.key}@${digest} was removed while it was stored`);
    return stored;
  }

  #told({ digest, mediaType, size }: Extract<RemoteCheck, { kind: 'found' }>): PulledManifest {
    const now = this.#clock.now();
    return {
      manifest: { digest, mediaType, size, createdAt: now, renewedAt: now },
      stored: false,
      warnings: [],
    };
  }

  async #notePull({ key }: RemoteImage, digest: Digest, byDigest: boolean): Promise<void> {
    const note = `${key} ${digest} ${byDigest}`;
    const now = this.#clock.now();
    if (now - (this.#noted.get(note) ?? Number.NEGATIVE_INFINITY) < NOTE_MS) return;
    this.#noted.set(note, now);
    try {
      await this.#parts.rows.notePull(key, digest, byDigest);
    } catch (error) {
      log.error({ error: messageOf(error) }, `the date of a pull of ${key} could not be written`);
    }
  }
}

export function upstreamTag({ upstream, sighted }: RemoteImage, tag: string): UpstreamTag {
  return { host: upstream.host, repository: sighted, tag };
}

function served(manifest: StoredManifest, ...warnings: string[]): PulledManifest {
  return { manifest, stored: true, warnings };
}

function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('unavailable', messageOf(error));
}

function undefinedIfGone(error: unknown, image: RemoteImage): undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined;
  throw upstreamProblem(error, image);
}

/** A token service that hangs is not ended by the request's signal; the wait for it is. */
function withinSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
