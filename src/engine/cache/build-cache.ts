import { randomUUID } from 'node:crypto';
import type { Digest } from '../../images/digest.ts';
import type { Layer } from '../../images/layer.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import { LEASE_MS } from '../../stores/content/content.ts';
import type { ProjectDeps } from '../deps.ts';
import type { Caller } from '../engine.ts';
import type { LayerTrees } from '../layers/layer-trees.ts';
import type { BlobFetcher } from '../transfer/fetch.ts';
import type { CacheHit, CacheInput, CacheRecord, CacheStore } from './cache.ts';
import { normalised, sawEnvironment, stepAt } from './image-history.ts';
import type { ForeignRecord, ImportedCache } from './imported.ts';
import { sameChanges } from './same-changes.ts';

export interface BuildCacheParts {
  deps: Pick<ProjectDeps, 'content' | 'origins' | 'remote' | 'clock'> & {
    cache: Pick<CacheStore, 'find' | 'save' | 'latest'>;
  };
  caller: Caller;
  fetcher: BlobFetcher;
  trees: LayerTrees;
  /** Opens what `--cache-from` names, in that order; asked once, and only when something is not found here. */
  imports: () => Promise<ImportedCache[]>;
}

/** A record that this build found or made. */
export interface UsedRecord {
  record: Omit<CacheRecord, 'inputs'>;
  inputs: () => CacheInput[];
}

/** How far a stage has come, as images are recognised by it. */
export interface StageSoFar {
  layers: readonly Layer[];
  /** `created_by` of the base, of every instruction so far, and of the one at hand. */
  history: () => string[];
}

type Result = Pick<CacheRecord, 'layer' | 'contentDigest'>;

/** Layers are held again this often: longer builds than a lease keep what they stand on. */
const HOLD_AGAIN_MS = LEASE_MS / 3;
/** A layer of an image is fetched for comparison only when it isn't much larger than what we made. */
const COMPARED_BYTES = 1 << 20;

/** The layer cache as one build sees it: the project's records first, then what the build was told to look into. */
export class BuildCache {
  readonly #parts: BuildCacheParts;
  readonly #used = new Map<string, UsedRecord>();
  readonly #holder = `cache:${randomUUID()}`;
  readonly #timer: NodeJS.Timeout;
  #imports: Promise<ImportedCache[]> | undefined;
  #held = false;

  constructor(parts: BuildCacheParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#holdAgain(), HOLD_AGAIN_MS).unref();
  }

  /** What this build used so far, each record once. */
  get records(): UsedRecord[] {
    return [...this.#used.values()];
  }

  async find(key: string, signal: AbortSignal): Promise<CacheHit | undefined> {
    const { deps, caller } = this.#parts;
    const known = await deps.cache.find(caller.project, key);
    if (known !== undefined && (await this.#canBeUsed(known, signal))) return known;
    for (const imported of await this.#imported()) {
      const record = imported.records.find((each) => each.key === key);
      if (record === undefined) continue;
      if (record.layer !== undefined && !(await imported.has(record.layer.blob, signal))) continue;
      return await this.#keep(record, imported.name);
    }
    return undefined;
  }

  /** The nearest earlier record, for the explanation of a miss: one of this project, or of a cache that was named. */
  async latest(position: string, text: string): Promise<CacheRecord | undefined> {
    const { deps, caller } = this.#parts;
    const known = await deps.cache.latest(caller.project, position, text);
    if (known !== undefined) return known;
    for (const { name, records } of await this.#imported()) {
      const same = records.filter((record) => record.text === text && record.inputs.length > 0);
      const found = same.find((record) => record.position === position) ?? same[0];
      if (found !== undefined) return { ...found, build: '', importedFrom: name };
    }
    return undefined;
  }

  used(record: Omit<CacheRecord, 'inputs'>, inputs: () => CacheInput[]): void {
    this.#used.set(record.key, { record, inputs });
  }

  /** The layer that a RUN made in an image with the same beginning; the project's from now on. */
  async fromImage(
    stage: StageSoFar,
    question: { key: string; text: string; env: readonly string[]; inputs: () => CacheInput[]; position: string },
    signal: AbortSignal,
  ): Promise<CacheHit | undefined> {
    for (const { name, image, has } of await this.#imported()) {
      const history = image === undefined ? [] : stage.history();
      const step = image === undefined ? undefined : stepAt(image, history, stage.layers);
      if (image === undefined || step === undefined || step.text !== normalised(history.at(-1) ?? '')) continue;
      if (!sawEnvironment(image, step, question.env)) continue;
      const layer = step.layer === undefined ? undefined : image.layers[step.layer];
      if (layer !== undefined && !(await has(layer.blob, signal))) continue;
      const { key, text, position } = question;
      const createdAt = step.createdAt ?? this.#parts.deps.clock.now();
      return await this.#keep(
        { key, text, position, layer, inputs: question.inputs(), durationMs: 0, createdAt },
        name,
      );
    }
    return undefined;
  }

  /**
   * What was just made, or the layer of an image that changes the same files: then whatever follows in that image is found
   * too. Costs the comparison of two layers, and only where an image was named that stands at this very instruction.
   */
  async sameAsImage(stage: StageSoFar, made: Result, signal: AbortSignal): Promise<Result> {
    const { deps, fetcher, trees } = this.#parts;
    for (const { image, has } of await this.#imported()) {
      if (image === undefined) continue;
      const step = stepAt(image, stage.history(), stage.layers);
      const theirs = step?.layer === undefined ? undefined : image.layers[step.layer];
      if (theirs === undefined) continue;
      if (theirs.diffID === made.layer?.diffID) return made;
      if (theirs.blob.size > 4 * (made.layer?.blob.size ?? 0) + COMPARED_BYTES) continue;
      if (!(await has(theirs.blob, signal))) continue;
      await fetcher.ensure([theirs.blob], signal);
      if (await sameChanges(theirs, made.layer, trees.tree(stage.layers, signal), deps.content))
        return { layer: theirs, contentDigest: made.contentDigest };
    }
    return made;
  }

  /** Ends the leases. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#held) await this.#parts.deps.content.release(this.#holder);
  }

  #imported(): Promise<ImportedCache[]> {
    this.#imports ??= this.#parts.imports();
    return this.#imports;
  }

  /** One that came from a registry may name a layer that nobody has needed yet, or that lies here for others: is it to be had? */
  async #canBeUsed({ layer, importedFrom, here }: CacheHit, signal: AbortSignal): Promise<boolean> {
    const { content, origins, remote } = this.#parts.deps;
    if (layer === undefined || importedFrom === undefined) return here;
    if (here && (await content.had([layer.blob.digest])).has(layer.blob.digest)) return true;
    for (const { host, repository } of await origins.sources(layer.blob.digest)) {
      const there = await remote.hasBlob(host, repository, layer.blob.digest, { signal }).catch(() => false);
      if (there) return true;
    }
    return false;
  }

  async #keep(record: ForeignRecord, importedFrom: string): Promise<CacheHit> {
    const { deps, caller } = this.#parts;
    const kept: CacheRecord = { ...record, build: caller.scope, importedFrom };
    await deps.cache.save(caller.project, kept);
    const { inputs: _, ...hit } = kept;
    return { ...hit, here: false };
  }

  async #holdAgain(): Promise<void> {
    try {
      await this.#hold();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'leases of cached layers were not renewed; the next round tries again');
    }
  }

  async #hold(): Promise<void> {
    const digests = this.records.flatMap(({ record }): Digest[] =>
      record.layer === undefined ? [] : [record.layer.blob.digest],
    );
    if (digests.length === 0) return;
    this.#held = true;
    await this.#parts.deps.content.hold(this.#holder, digests, LEASE_MS);
  }
}
