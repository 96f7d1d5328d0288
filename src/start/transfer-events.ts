import type { TransferEvent } from '../doors/control/wire.ts';
import type { TransferListener } from '../engine/engine.ts';
import type { Digest } from '../images/digest.ts';

/** Between two reports of one layer's bytes. Milliseconds. */
const EVERY_MS = 100;

/** What is told of layers on their way, as events between processes: bytes not for every chunk, their end always. */
export function transferEvents(emit: (event: TransferEvent) => void): TransferListener<string> {
  const told = new Map<Digest, number>();
  return {
    onLayer: (layer, state, from) => emit({ kind: 'layer', layer, state, from }),
    onBytes: (layer, current, total) => {
      const now = performance.now();
      if (current < total && now - (told.get(layer) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
      told.set(layer, now);
      emit({ kind: 'layer', layer, current, total });
    },
  };
}
