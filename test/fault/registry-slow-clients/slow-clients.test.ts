import { describe } from 'vitest';
import { slowClients } from './slow-clients.ts';

/** A short form; in test/long they take a byte a second for minutes. */
describe('slow clients of a registry', () => {
  slowClients({ idleMs: 1500, dripMs: 700, forMs: 2500, senders: 100, takers: 20 });
});
