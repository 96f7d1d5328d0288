import type { Remark } from '../dockerfile/checks/warnings.ts';
import { formatPlatform, type Platform, platformMatches } from '../images/platform.ts';
import { fullName } from '../images/reference.ts';
import { type Place, Problem } from '../lib/problem.ts';
import type { Caller, ResolvedImage } from './engine.ts';
import type { PlannedBuild } from './plan-build.ts';
import type { Progress } from './progress.ts';
import { Materials } from './provenance/materials.ts';
import type { ImageBuildRequest } from './request.ts';
import type { ImageSource } from './transfer/source.ts';

const SHOWN_STAGES = 5;

/** What FROM and COPY --from names mean, each asked for once in a build. */
export class BaseResolver {
  readonly #request: ImageBuildRequest;
  readonly #caller: Caller;
  readonly #source: ImageSource;
  readonly #progress: Progress;
  readonly #remark: Remark;
  readonly #stages: readonly string[];
  readonly #known = new Map<string, Promise<ResolvedImage>>();
  /** What came from elsewhere, by digest. */
  readonly materials = new Materials();

  /** @param plans of this build: an image that nobody has may be a stage whose name was mistyped */
  constructor(
    request: ImageBuildRequest,
    caller: Caller,
    source: ImageSource,
    progress: Progress,
    plans: readonly PlannedBuild[],
  ) {
    this.#request = request;
    this.#caller = caller;
    this.#source = source;
    this.#progress = progress;
    this.#remark = plans[0]?.remark ?? (() => undefined);
    this.#stages = plans[0]?.plan.stages[0]?.scope.names.known() ?? [];
  }

  readonly resolve = (reference: string, platform: Platform, place: Place): Promise<ResolvedImage> => {
    const key = JSON.stringify([reference, platform]);
    const known = this.#known.get(key) ?? this.#ask(reference, platform, place);
    this.#known.set(key, known);
    return known;
  };

  async #ask(reference: string, platform: Platform, place: Place): Promise<ResolvedImage> {
    const vertex = this.#progress.begin(`[internal] load metadata for ${shownName(reference)}`, place);
    try {
      const image = await this.#source.resolve(reference, this.#caller, {
        platform,
        local: !this.#request.pull,
        otherPlatform: true,
      });
      this.#checkPlatform(reference, image, platform, place);
      if (image.own) vertex.note('served from the registry of this server');
      this.materials.noteImage(reference, image.target.digest, platform);
      vertex.end('done');
      return image;
    } catch (error) {
      vertex.fail(error);
      if (!(error instanceof Problem) || error.place !== undefined) throw error;
      throw new Problem(error.code, error.message, { place, hint: this.#hint(reference, error), cause: error });
    }
  }

  /** A word alone may have been meant as a stage. */
  #hint(reference: string, { hint }: Problem): string | undefined {
    const stages = this.#stages.slice(-SHOWN_STAGES);
    if (stages.length === 0 || !/^[a-z0-9-]+$/i.test(reference)) return hint;
    const said = `No stage is called ${reference} (there is ${stages.join(', ')}), so it means the image ${shownName(reference)}.`;
    return hint === undefined ? said : `${said}\n${hint}`;
  }

  /** InvalidBaseImagePlatform. */
  #checkPlatform(reference: string, { config }: ResolvedImage, wanted: Platform, place: Place): void {
    if (config.os === undefined || platformMatches(config, wanted)) return;
    const actual = formatPlatform(config);
    this.#remark(
      'InvalidBaseImagePlatform',
      `Base image ${reference} was pulled with platform "${actual}", expected "${formatPlatform(wanted)}" for current build`,
      place.ranges,
      { text: `Build with --platform ${actual}, or choose an image that is there for ${formatPlatform(wanted)}` },
    );
  }
}

/** An id of 64 digits is no reference. */
function shownName(reference: string): string {
  return /^[a-f0-9]{64}$/.test(reference) ? reference : fullName(reference);
}
