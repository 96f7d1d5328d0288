import type { ImageConfig } from '../../images/config.ts';
import type { Layer } from '../../images/layer.ts';

/**
 * Images as a cache, the way docker's first builder used them: an image whose layers and history begin like the stage so
 * far, and whose next entry is the instruction at hand, has the layer that this instruction makes. Layers are compared by
 * diffID, so what lies below is proven; what a RUN did is taken from the words of its entry and from the environment. Every
 * builder writes those words a little differently (reference 2.4), so they are brought to one form first.
 */
export interface HistoryImage {
  layers: readonly Layer[];
  entries: readonly HistoryStep[];
  env: readonly string[];
}

export interface HistoryStep {
  text: string;
  /** Index of its layer; absent when it made none. */
  layer?: number;
  /** Milliseconds since 1970. */
  createdAt?: number;
}

/** Words of instructions that leave the file tree alone and that no RUN can see. */
const METADATA = /^(?:ARG|CMD|ENTRYPOINT|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|STOPSIGNAL|VOLUME)\b/;
const INSTRUCTION = /^(?:RUN|COPY|ADD|ENV|USER|WORKDIR|SHELL|FROM)\s/;

/** Undefined when the history doesn't tell which layer is whose (flattened images, images without one). */
export function historyImage(config: ImageConfig, layers: readonly Layer[]): HistoryImage | undefined {
  const entries: HistoryStep[] = [];
  let next = 0;
  for (const { created_by, created, empty_layer } of config.history ?? []) {
    const text = normalised(created_by ?? '');
    if (empty_layer === true && METADATA.test(text)) continue;
    const date = Date.parse(created ?? '');
    entries.push({
      text,
      ...(empty_layer === true ? {} : { layer: next++ }),
      ...(Number.isNaN(date) ? {} : { createdAt: date }),
    });
  }
  return next === layers.length && next > 0 ? { layers, entries, env: config.config?.Env ?? [] } : undefined;
}

/** One form of what BuildKit, docker's classic builder and we write into `created_by`. */
export function normalised(createdBy: string): string {
  const text = createdBy.replace(/\s+# buildkit$/, '').trim();
  const nop = /^\/bin\/sh -c #\(nop\)\s+([\s\S]*)$/.exec(text);
  if (nop !== null) return (nop[1] ?? '').trim();
  return INSTRUCTION.test(text) || METADATA.test(text) || text === '' ? text : `RUN ${text}`;
}

/**
 * The entry of an image that stands where the last of `history` does, if all before it is the same and it is the same kind
 * of instruction.
 * @param history `created_by` of the base, of every instruction so far, and of the one at hand
 * @param layers of the stage before that instruction
 */
export function stepAt(
  image: HistoryImage,
  history: readonly string[],
  layers: readonly Layer[],
): HistoryStep | undefined {
  const ours = history.map(normalised).filter((text) => !METADATA.test(text));
  const at = ours.length - 1;
  const step = image.entries[at];
  if (step === undefined || !sameKind(step.text, ours[at] ?? '')) return undefined;
  if (layers.some(({ diffID }, i) => image.layers[i]?.diffID !== diffID)) return undefined;
  const before = image.entries.slice(0, at);
  if (before.filter(({ layer }) => layer !== undefined).length !== layers.length) return undefined;
  return before.every(({ text }, i) => sameBefore(text, ours[i] ?? '')) ? step : undefined;
}

/** Files that were copied are proven by the diffID of their layer, and every builder names them in its own way. */
function sameBefore(theirs: string, ours: string): boolean {
  return theirs === ours || (isCopy(theirs) && isCopy(ours));
}

function isCopy(text: string): boolean {
  return /^(?:COPY|ADD)\s/.test(text);
}

function sameKind(theirs: string, ours: string): boolean {
  const word = (text: string) => text.split(/\s/, 1)[0];
  return word(theirs) === word(ours);
}

/**
 * Whether a RUN saw this environment in that image. History tells every ENV of the file, but not what the base brought: it
 * has to be in the image's final environment still, or a later ENV must have replaced it.
 */
export function sawEnvironment(image: HistoryImage, step: HistoryStep, env: readonly string[]): boolean {
  const later = image.entries
    .slice(image.entries.indexOf(step) + 1)
    .filter(({ text }) => text.startsWith('ENV '))
    .map(({ text }) => text);
  const replaced = (name: string) => later.some((text) => text.includes(name));
  const inArguments = (name: string, value: string) => step.text.includes(`${name}=${value}`);
  const theirs = new Map(image.env.map(pairOf));
  const ours = new Map(env.map(pairOf));
  return (
    [...ours].every(
      ([name, value]) =>
        theirs.get(name) === value || replaced(name) || (!theirs.has(name) && inArguments(name, value)),
    ) && [...theirs.keys()].every((name) => ours.has(name) || replaced(name))
  );
}

function pairOf(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}
