import type { HistoryEntry, ImageConfig } from '../images/config.ts';
import type { Descriptor } from '../images/descriptor.ts';
import type { Layer } from '../images/layer.ts';
import type { Platform } from '../images/platform.ts';
import { timestamp } from '../lib/clock.ts';
import type { ContentStore } from '../stores/content/content.ts';
import type { CacheStore } from './cache/cache.ts';
import { INLINE_CACHE } from './cache/inline.ts';
import { imageKey } from './cache/key.ts';
import type { ResolvedImage } from './engine.ts';
import { imageBlobs, storeImage } from './image-blobs.ts';
import type { OwnHistory, SolvedStage } from './solve.ts';
import { throwFirst } from './transfer/fetch.ts';

/** OCI annotations.md: what an image stands on, so that others can tell whether its base has moved on. */
export const BASE_NAME = 'org.opencontainers.image.base.name';
export const BASE_DIGEST = 'org.opencontainers.image.base.digest';

export interface ExportInput {
  solved: SolvedStage;
  /** Of the command line: they go on targets only, never on what is built FROM a target. */
  labels: Record<string, string>;
  platform: Platform;
  project: string;
  scope: string;
  dockerfile: string;
  /** Milliseconds since 1970: the date of an image that was never made before. */
  now: number;
  /** Milliseconds since 1970: of a reproducible build, the date of everything that is new in it. */
  sourceDate: number | undefined;
  /** The layer cache's records in BuildKit's form, when the image is to carry them. */
  inlineCache?: string | undefined;
}

export interface ExportedImage {
  config: Descriptor;
  manifest: Descriptor;
}

/**
 * Writes config and manifest of a finished stage. An image of the same content and configuration that was made before
 * keeps its date, so an unchanged build has an unchanged digest and writes nothing.
 */
export async function exportImage(
  input: ExportInput,
  content: ContentStore,
  cache: Pick<CacheStore, 'find' | 'save'>,
): Promise<ExportedImage> {
  const solved = labelled(input);
  const { created, note } =
    input.sourceDate === undefined
      ? await firstMade({ ...input, solved }, cache)
      : { created: input.sourceDate, note: nothingToNote };
  const { config: said, ownHistory, state } = solved;
  const facts = { ...input, config: said, ownHistory, layers: state.layers };
  const annotations = solved.base === undefined ? undefined : baseAnnotations(solved.base);
  const blobs = imageBlobs(imageConfig(facts, created), state.layers, annotations);
  throwFirst(await Promise.allSettled([note(), storeImage(blobs, content)]));
  return { config: blobs.config.descriptor, manifest: blobs.manifest.descriptor };
}

function labelled({ solved, labels }: ExportInput): SolvedStage {
  if (Object.keys(labels).length === 0) return solved;
  const { config } = solved.config;
  return {
    ...solved,
    config: { ...solved.config, config: { ...config, Labels: { ...config?.Labels, ...labels } } },
  };
}

/** When the image was made first, and how that is noted if it is now. */
async function firstMade(
  { solved, platform, project, scope, dockerfile, now, inlineCache }: ExportInput,
  cache: Pick<CacheStore, 'find' | 'save'>,
): Promise<{ created: number; note: () => Promise<void> }> {
  const facts = [
    solved.config,
    solved.ownHistory.map(({ entry, createdAt }) => [entry, createdAt ?? null]),
    solved.state.layers.map((layer) => layer.diffID),
    platform,
    solved.base === undefined ? null : baseAnnotations(solved.base),
    ...(inlineCache === undefined ? [] : [inlineCache]),
  ];
  const key = imageKey(solved.state.chain, facts);
  const known = await cache.find(project, key);
  if (known !== undefined) return { created: known.createdAt, note: nothingToNote };
  const record = {
    key,
    position: `${dockerfile}#image`,
    text: 'exporting to image',
    inputs: [],
    build: scope,
    durationMs: 0,
    createdAt: now,
  };
  return { created: now, note: () => cache.save(project, record) };
}

const nothingToNote = async () => undefined;

/** What a config is made of. */
export interface ConfigFacts extends Pick<ExportInput, 'platform' | 'sourceDate' | 'inlineCache'> {
  /** What the stage says of itself, and the base image's own history. */
  config: ImageConfig;
  ownHistory: readonly OwnHistory[];
  layers: readonly Layer[];
}

/** The config of an image; its digest is the image's id. @param created milliseconds since 1970 */
export function imageConfig(
  { config, ownHistory, layers, platform, sourceDate, inlineCache }: ConfigFacts,
  created: number,
): ImageConfig {
  const out: ImageConfig = {
    created: timestamp(created),
    ...(config.author === undefined ? {} : { author: config.author }),
    architecture: config.architecture ?? platform.architecture,
    os: config.os ?? platform.os,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffID) },
  };
  const variant = config.variant ?? platform.variant;
  if (variant !== undefined) out.variant = variant;
  if (config['os.version'] !== undefined) out['os.version'] = config['os.version'];
  out.config = config.config ?? {};
  if (inlineCache !== undefined) Object.assign(out, { [INLINE_CACHE]: inlineCache });
  out.history = [...(config.history ?? []), ...ownHistory.map((own) => dated(own, created, sourceDate))];
  return out;
}

function dated({ entry, createdAt }: OwnHistory, created: number, sourceDate: number | undefined): HistoryEntry {
  return { created: timestamp(sourceDate ?? createdAt ?? created), ...entry };
}

function baseAnnotations(base: ResolvedImage): Record<string, string> {
  return { [BASE_NAME]: base.reference, [BASE_DIGEST]: base.target.digest };
}
