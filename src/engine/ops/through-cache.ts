import { randomUUID } from 'node:crypto';
import type { CacheHit, CacheInput, CacheRecord } from '../cache/cache.ts';
import { explainMiss } from '../explain.ts';
import { abortable } from '../transfer/shared-work.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';

/** What is known of an operation before it runs. */
export interface CacheQuestion {
  key: string;
  text: string;
  inputs: CacheInput[];
}

/** What running it gave, ready to be used by others: blobs are adopted. */
export type Made = Pick<CacheRecord, 'layer' | 'contentDigest'>;

/** The record of an operation that was done before, if its layer can still be had. */
export async function findCached(services: OperationServices, key: string): Promise<CacheHit | undefined> {
  const { request, caller, deps } = services;
  if (request.noCache) return undefined;
  const record = await deps.cache.find(caller.project, key);
  return record?.here === true ? record : undefined;
}

export function fromRecord(record: Omit<CacheRecord, 'inputs'>): OperationResult {
  const { layer, contentDigest, createdAt } = record;
  return { status: 'cached', layer, contentDigest, createdAt };
}

/** Notes what an operation made, and says why it had to. */
export async function saveMade(
  services: OperationServices,
  state: StageState,
  place: OperationPlace,
  question: CacheQuestion,
  made: Made,
): Promise<OperationResult> {
  const { deps, caller, request } = services;
  const inputs = [...question.inputs, { kind: 'base', name: 'base', value: state.base }];
  const earlier = await deps.cache.latest(caller.project, place.position);
  const reason = request.noCache ? 'the cache is off (--no-cache)' : explainMiss(inputs, earlier);
  const since = earlier === undefined ? undefined : { build: earlier.build, at: earlier.createdAt };
  const record: CacheRecord = {
    key: question.key,
    layer: made.layer,
    contentDigest: made.contentDigest,
    position: place.position,
    text: question.text,
    inputs,
    build: caller.scope,
    durationMs: Math.round(place.vertex.elapsed),
    createdAt: deps.clock.now(),
  };
  await deps.cache.save(caller.project, record);
  return { ...fromRecord(record), status: 'ran', reason, since };
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
  if (known !== undefined) return fromRecord(known);
  return await alone(services, question.key, async () => {
    const meanwhile = await findCached(services, question.key);
    if (meanwhile !== undefined) return fromRecord(meanwhile);
    return await saveMade(services, state, place, question, await work());
  });
}

/** Does the work while nobody else does work of the same key. */
export async function alone<T>(services: OperationServices, key: string, work: () => Promise<T>): Promise<T> {
  const { flights } = services.deps;
  const { project } = services.caller;
  const holder = randomUUID();
  const flight = `${project}:${key}`;
  const acquired = flights.acquire(flight, holder);
  try {
    await abortable(acquired, services.signal);
  } catch (error) {
    // leaves the line, or gives back what became ours after we stopped waiting
    acquired.catch(() => undefined);
    await flights.release(flight, holder);
    throw error;
  }
  try {
    return await work();
  } finally {
    await flights.release(flight, holder);
  }
}
