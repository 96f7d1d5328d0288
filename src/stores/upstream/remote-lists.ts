import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { LatelyUsed } from '../../lib/lately-used.ts';
import { messageOf } from '../../lib/problem.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { Page, RegistryStore, StoredManifest } from '../registry/registry.ts';
import type { Listed } from './pull-source.ts';
import type { RemoteImage } from './remote-image.ts';
import { goneIsUndefined } from './upstream-problem.ts';
import type { UpstreamRest } from './upstream-rest.ts';

/** A list of tags costs several requests of a quota of its own; whoever pages through it asks once per page. Milliseconds. */
const LEAST_FRESH_MS = 60_000;
/** Tags, and referrers, of all lists together; a list that nobody remembers is asked for again. */
const REMEMBERED = 500_000;
/** What a list without entries counts for. */
const EMPTY_LIST = 100;
/** Tags and referrers that are kept are read so many at a time. */
const PAGE = 1000;

interface Answer<T> {
  at: number;
  entries: T[] | undefined;
}

/** The last answers, and those that are on their way: once for all that wait. */
class Remembered<T> {
  readonly answers = new LatelyUsed<string, Answer<T>>(REMEMBERED, ({ entries = [] }) => EMPTY_LIST + entries.length);
  readonly asking = new SingleFlight<string, T[] | undefined>();
}

/** What upstream lists, joined with what is kept here of it; when upstream can't be asked, what is kept. */
export class RemoteLists {
  readonly #registry: RegistryStore;
  readonly #rest: UpstreamRest;
  readonly #clock: Clock;
  readonly #tags = new Remembered<string>();
  readonly #referrers = new Remembered<StoredManifest>();

  constructor(registry: RegistryStore, rest: UpstreamRest, clock: Clock = systemClock) {
    this.#registry = registry;
    this.#rest = rest;
    this.#clock = clock;
  }

  async tags(image: RemoteImage, { after = '', limit }: Page): Promise<Listed<string> | undefined> {
    const { client, upstream, name, key } = image;
    const { entries, warnings } = await this.#upstream(image, this.#tags, key, () => client.tags(upstream.host, name));
    const known = await this.#registry.exists(key);
    if (entries === undefined && !known) return undefined;
    const all = new Set(entries);
    for (const tag of known ? await this.#keptTags(key) : []) all.add(tag);
    const beyond = [...all].filter((tag) => tag > after).sort();
    return { entries: beyond.slice(0, limit), warnings };
  }

  async referrers(image: RemoteImage, subject: Digest, artifactType?: string): Promise<Listed<StoredManifest>> {
    const { client, upstream, name, key } = image;
    const { entries = [], warnings } = await this.#upstream(image, this.#referrers, `${key}@${subject}`, async () => {
      const now = this.#clock.now();
      const found = await client.referrers(upstream.host, name, subject);
      return found.map((entry): StoredManifest => ({ ...entry, createdAt: now, renewedAt: now }));
    });
    const kept = await this.#registry.referrers(key, subject, artifactType);
    const all = new Map(
      entries
        .filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
        .map((entry) => [entry.digest, entry]),
    );
    for (const entry of kept) all.set(entry.digest, entry);
    return { entries: [...all.values()], warnings };
  }

  async #keptTags(key: string): Promise<string[]> {
    const tags: string[] = [];
    for (;;) {
      const page = await this.#registry.tags(key, { after: tags.at(-1), limit: PAGE });
      tags.push(...page.map((tag) => tag.name));
      if (page.length < PAGE) return tags;
    }
  }

  async #upstream<T>(
    image: RemoteImage,
    { answers, asking }: Remembered<T>,
    name: string,
    ask: () => Promise<T[]>,
  ): Promise<{ entries: T[] | undefined; warnings: string[] }> {
    const last = answers.get(name);
    const fresh = Math.max(LEAST_FRESH_MS, image.remote.freshSeconds * 1000);
    if (last !== undefined && this.#clock.now() - last.at < fresh) return { entries: last.entries, warnings: [] };
    try {
      const resting = this.#rest.problem(image.upstream.url);
      if (resting !== undefined) throw resting;
      const entries = await asking.do(name, () => goneIsUndefined(image, ask()));
      answers.set(name, { at: this.#clock.now(), entries });
      return { entries, warnings: [] };
    } catch (error) {
      const warning = `${image.upstream.host} could not be asked (${messageOf(error)}); this list may be old`;
      return { entries: last?.entries, warnings: [warning] };
    }
  }
}
