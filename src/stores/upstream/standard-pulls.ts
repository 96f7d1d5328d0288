import type { Digest } from '../../images/digest.ts';
import type { ContentStore } from '../content/content.ts';
import type { Page, RegistryStore, StoredManifest } from '../registry/registry.ts';
import type { Listed, PulledBlob, PulledManifest, PullOptions, PullSource } from './pull-source.ts';

/** What was pushed: all that a registry without remote repositories has, and the quick way for those with them. */
export class StandardPulls implements PullSource {
  readonly #registry: RegistryStore;
  readonly #content: ContentStore;

  constructor(registry: RegistryStore, content: ContentStore) {
    this.#registry = registry;
    this.#content = content;
  }

  async manifest(key: string, reference: string): Promise<PulledManifest | undefined> {
    const manifest = await this.#registry.manifest(key, reference);
    return manifest === undefined ? undefined : { manifest, stored: true, warnings: [] };
  }

  /** Whoever hears from HEAD that a blob is here won't send it: the link is renewed for the manifest to come. */
  async blob(key: string, digest: Digest, options: PullOptions = {}): Promise<PulledBlob | undefined> {
    const linked =
      options.head === true ? await this.#registry.touchBlob(key, digest) : await this.#registry.hasBlob(key, digest);
    const info = linked ? await this.#content.stat(digest) : undefined;
    return info === undefined ? undefined : { info, stored: true, open: (range) => this.#content.open(digest, range) };
  }

  async bring(key: string, digest: Digest): Promise<boolean> {
    return (await this.blob(key, digest, { head: true })) !== undefined;
  }

  async tags(key: string, page: Page): Promise<Listed<string> | undefined> {
    if (!(await this.#registry.exists(key))) return undefined;
    return { entries: page.limit === 0 ? [] : await this.#registry.tagNames(key, page), warnings: [] };
  }

  async referrers(key: string, subject: Digest, artifactType?: string): Promise<Listed<StoredManifest>> {
    return { entries: await this.#registry.referrers(key, subject, artifactType), warnings: [] };
  }
}
