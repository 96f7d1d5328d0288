import { signalNumber } from '../sandbox/signals.ts';

/** An image may name any word as its stop signal: what is none is SIGTERM, as with docker. */
export function stopSignalOf(signal: string | undefined): string {
  try {
    return String(signalNumber(signal ?? 'SIGTERM'));
  } catch {
    return 'SIGTERM';
  }
}
