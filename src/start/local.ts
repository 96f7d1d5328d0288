import type { ControlClient } from '../cli/services.ts';
import { controlService } from './control.ts';
import { clean } from './housekeeping.ts';
import { openOwner } from './owner.ts';
import { workerCalls } from './worker-calls.ts';

/** Becomes the owner of a data folder that has none, for one command: the same calls, in this process. */
export async function openLocal(data: string): Promise<ControlClient> {
  const owner = await openOwner(data, 'slipway, for one command');
  const calls = await workerCalls(owner.stores, owner.folder, owner.config);
  const service = controlService({
    owner,
    url: '',
    clean: () => clean(owner, async () => undefined),
    engine: (name, request, emit, signal) =>
      (
        calls[name as keyof typeof calls] as (
          args: unknown[],
          emit: (event: unknown) => void,
          signal: AbortSignal,
        ) => Promise<unknown>
      )([request], emit, signal),
  });
  return {
    call: (method, request, onEvent, signal) =>
      service[method](request, (event) => onEvent?.(event), signal ?? new AbortController().signal),
    close: () => owner.close(),
  };
}
