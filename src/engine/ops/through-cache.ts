import type { CacheHit, CacheInput, CacheRecord } from '../cache/cache.ts';
import { explainMiss } from '../cache/explain.ts';
import { inTurn } from '../cache/in-turn.ts';
import { sourceDate } from '../source-date.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';

/** What is known of an operation before it runs. */
export interface CacheQuestion {
  key: string;
  text: string;
  /** Asked for when the operation has to run, or its record leaves the machine. */
  inputs: () => CacheInput[];
  /** Of a RUN that its line and what lies below it identify: an image that others built may have it. */
  env?: readonly string[] | undefined;
}

/** What running it gave, ready to be used by others: blobs are adopted. */
export type Made = Pick<CacheRecord, 'layer' | 'contentDigest'>;

/** The record of an operation that was done before, if its layer can be had. */
export async function findCached(services: OperationServices, key: string): Promise<CacheHit | undefined> {
  return services.cacheOff === undefined ? await services.cache.find(key, services.signal) : undefined;
}

export function fromRecord(services: OperationServices, question: CacheQuestion, record: CacheHit): OperationResult {
  services.cache.used(record, question.inputs);
  const { layer, contentDigest, createdAt, build, importedFrom } = record;
  return { status: 'cached', layer, contentDigest, createdAt, since: { build, at: createdAt, importedFrom } };
}

/**
 * Notes what an operation made, and says why it had to.
 * @param createdAt when that was, if another record tells of the same: an image's entry has one date, by whichever it is found
 */
export async function saveMade(
  services: OperationServices,
  state: StageState,
  place: OperationPlace,
  question: CacheQuestion,
  made: Made,
  createdAt = services.deps.clock.now(),
): Promise<OperationResult> {
  const { deps, caller, cache, cacheOff, request } = services;
  const date = sourceDate(request.buildArgs);
  const dateInput = { kind: 'option', name: 'SOURCE_DATE_EPOCH', value: String((date ?? 0) / 1000) };
  const inputs = date === undefined ? question.inputs() : [...question.inputs(), dateInput];
  const earlier = await cache.latest(place.position, question.text);
  const { reason, details } =
    cacheOff === undefined ? explainMiss(inputs, earlier) : { reason: cacheOff, details: [] as string[] };
  const since = earlier && { build: earlier.build, at: earlier.createdAt, importedFrom: earlier.importedFrom };
  // a layer of an image has other times
  const stage = { layers: state.layers, history: place.history };
  const { layer, contentDigest } = date === undefined ? await cache.sameAsImage(stage, made, services.signal) : made;
  const record: CacheRecord = {
    key: question.key,
    layer,
    contentDigest,
    position: place.position,
    text: question.text,
    inputs,
    build: caller.scope,
    durationMs: Math.round(place.vertex.elapsed),
    createdAt,
  };
  await deps.cache.save(caller.project, record);
  cache.used(record, () => inputs);
  return { status: 'ran', layer, contentDigest, createdAt, reason, details, since };
}

/**
 * Looks an operation up, and does it when nobody did before. While it runs, whoever else wants the same one (another
 * stage, another build, another process) waits and then finds it.
 */
export async function throughCache(
  services: OperationServices,
  state: StageState,
  place: OperationPlace,
  question: CacheQuestion,
  work: () => Promise<Made>,
): Promise<OperationResult> {
  const known = await findCached(services, question.key);
  if (known !== undefined) return fromRecord(services, question, known);
  return await alone(services, question.key, async () => {
    const meanwhile = (await findCached(services, question.key)) ?? (await fromImage(services, state, place, question));
    if (meanwhile !== undefined) return fromRecord(services, question, meanwhile);
    return await saveMade(services, state, place, question, await work());
  });
}

async function fromImage(
  services: OperationServices,
  state: StageState,
  place: OperationPlace,
  question: CacheQuestion,
): Promise<CacheHit | undefined> {
  const { cache, cacheOff, request } = services;
  if (question.env === undefined || cacheOff !== undefined) return undefined;
  if (sourceDate(request.buildArgs) !== undefined) return undefined;
  return await cache.fromImage(
    { layers: state.layers, history: place.history },
    { ...question, env: question.env, position: place.position },
    services.signal,
  );
}

/** Does the work while nobody else does work of the same key. */
export async function alone<T>(services: OperationServices, key: string, work: () => Promise<T>): Promise<T> {
  const { deps, caller, signal } = services;
  const turn = await inTurn(deps.flights, `${caller.project}:${key}`, signal);
  try {
    return await work();
  } finally {
    await turn.end();
  }
}
