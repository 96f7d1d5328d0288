import { setTimeout } from 'node:timers/promises';
import { AlreadyOwned } from '../adapters/owner/lock.ts';
import type { ControlClient, OwnerWait } from '../cli/services.ts';
import { controlService } from './control/service.ts';
import { clean } from './housekeeping.ts';
import { type Owner, openOwner } from './owner.ts';
import { workerCalls } from './worker-calls.ts';

const ACTIVITY = 'slipway, for one command';
/** Between two looks whether the other command has ended. Milliseconds. */
const LOOK_MS = 100;

/**
 * Becomes the owner of a data folder that has none, for one command: the same calls, in this process. Another command that
 * is its owner is waited for, because it will end by itself.
 * @throws Problem `conflict` when a server owns it
 */
export async function openLocal(data: string, { signal, waiting }: OwnerWait): Promise<ControlClient> {
  const owner = await ownerInTurn(data, signal, waiting);
  const calls = await workerCalls(owner.stores, owner.folder, owner.config);
  const service = controlService({
    owner,
    url: '',
    dockerSocket: '',
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
      service[method](request, async (event) => onEvent?.(event), signal ?? new AbortController().signal),
    close: () => owner.close(),
  };
}

/** The owner of a data folder for one command, when no other command is it any more. */
export async function ownerInTurn(data: string, signal: AbortSignal, waiting: () => void): Promise<Owner> {
  for (let said = false; ; said = true) {
    try {
      return await openOwner(data, ACTIVITY);
    } catch (error) {
      if (!(error instanceof AlreadyOwned) || error.activity !== ACTIVITY) throw error;
      if (!said) waiting();
      await setTimeout(LOOK_MS, undefined, { signal });
    }
  }
}
