import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';
import type { Page, StoredManifest } from '../registry/registry.ts';
import type { Listed, PulledBlob, PulledManifest, PullOptions, PullSource } from './pull-source.ts';

/** What a pull sees behind the members' keys. */
export interface MemberPulls extends PullSource {
  /** Whether a manifest that is kept under the key names this blob. */
  names(key: string, digest: Digest): Promise<boolean>;
}

/** A repository behind a virtual one: the image's key there. */
export interface VirtualMember {
  key: string;
  /** For complaints. */
  path: string;
}

/**
 * Several repositories behind one name. For a tag the member with the highest priority that has it is served. While a member
 * can't be asked whether it has a tag, those below it serve only what they keep already: fetching a name from the next
 * upstream because the first one is down is how a stranger's image gets into a build (dependency confusion). A digest is
 * the same wherever it lies, so any member will do.
 */
export class VirtualPulls {
  readonly #members: MemberPulls;

  constructor(members: MemberPulls) {
    this.#members = members;
  }

  async manifest(
    members: VirtualMember[],
    reference: string,
    options: PullOptions,
  ): Promise<PulledManifest | undefined> {
    if (isDigest(reference)) return this.#byDigest(members, reference, options);
    const failures: { path: string; problem: Problem }[] = [];
    for (const { key, path } of members) {
      const storedOnly = options.storedOnly === true || failures.length > 0;
      try {
        const found = await this.#members.manifest(key, reference, { ...options, storedOnly });
        if (found === undefined) continue;
        return { ...found, warnings: [...failures.map(warningOf), ...found.warnings] };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code !== 'not-found') failures.push({ path, problem: error });
      }
    }
    if (failures[0] !== undefined) throw failures[0].problem;
    return undefined;
  }

  #byDigest(members: VirtualMember[], digest: Digest, options: PullOptions): Promise<PulledManifest | undefined> {
    return this.#keptOrFirst(members, digest, options, (key, how) => this.#members.manifest(key, digest, how));
  }

  blob(members: VirtualMember[], digest: Digest, options: PullOptions): Promise<PulledBlob | undefined> {
    return this.#keptOrFirst(members, digest, options, (key, how) => this.#members.blob(key, digest, how));
  }

  async bring(members: VirtualMember[], digest: Digest, signal?: AbortSignal): Promise<boolean> {
    const having = await this.#having(members, digest);
    const brought = await this.#first(having, async ({ key }) =>
      (await this.#members.bring(key, digest, signal)) ? true : undefined,
    );
    return brought === true;
  }

  /** Names of all, each once. */
  async tags(members: VirtualMember[], page: Page): Promise<Listed<string> | undefined> {
    const lists = await Promise.all(members.map(({ key }) => this.#members.tags(key, page)));
    const found = lists.filter((list) => list !== undefined);
    if (found.length === 0) return undefined;
    const entries = [...new Set(found.flatMap((list) => list.entries))].sort();
    return { entries: entries.slice(0, page.limit), warnings: found.flatMap((list) => list.warnings) };
  }

  async referrers(
    members: VirtualMember[],
    subject: Digest,
    artifactType: string | undefined,
  ): Promise<Listed<StoredManifest>> {
    const lists = await Promise.all(members.map(({ key }) => this.#members.referrers(key, subject, artifactType)));
    const entries = new Map<Digest, StoredManifest>();
    for (const entry of lists.flatMap((list) => list.entries))
      if (!entries.has(entry.digest)) entries.set(entry.digest, entry);
    return { entries: [...entries.values()], warnings: lists.flatMap((list) => list.warnings) };
  }

  /** What is kept anywhere comes before any upstream is asked. */
  async #keptOrFirst<T>(
    members: VirtualMember[],
    digest: Digest,
    options: PullOptions,
    pull: (key: string, options: PullOptions) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    for (const { key } of members) {
      const kept = await pull(key, { ...options, storedOnly: true });
      if (kept !== undefined) return kept;
    }
    if (options.storedOnly === true) return undefined;
    return this.#first(await this.#having(members, digest), ({ key }) => pull(key, options));
  }

  /** Those first that keep a manifest which names the blob: their upstream has it for certain. */
  async #having(members: VirtualMember[], digest: Digest): Promise<VirtualMember[]> {
    const naming = await Promise.all(members.map(({ key }) => this.#members.names(key, digest)));
    return [...members.filter((_, i) => naming[i] === true), ...members.filter((_, i) => naming[i] !== true)];
  }

  async #first<T>(
    members: VirtualMember[],
    work: (member: VirtualMember) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    let failure: Problem | undefined;
    for (const member of members) {
      try {
        const found = await work(member);
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code !== 'not-found') failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }
}

function warningOf({ path, problem }: { path: string; problem: Problem }): string {
  return `${path} comes first and could not be asked (${problem.message})`;
}
