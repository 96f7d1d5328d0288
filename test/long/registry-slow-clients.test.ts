import { describe } from 'vitest';
import { slowClients } from '../fault/registry-slow-clients/slow-clients.ts';

/** The same as in fault/registry-slow-clients, at a byte a second, for longer than any client waits. */
describe('slow clients of a registry, for minutes', () => {
  slowClients({ idleMs: 10_000, dripMs: 1000, forMs: 180_000, senders: 1000, takers: 60 });
});
