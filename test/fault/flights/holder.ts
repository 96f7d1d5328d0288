import { connectObjects } from '../../../src/adapters/owner/client.ts';
import type { Flights } from '../../../src/engine/cache/cache.ts';

/** A process of its own that asks for a key, says so when it has it, and keeps it until it is killed: `holder.ts SOCKET KEY`. */
const [socket = '', key = ''] = process.argv.slice(2);
const { objects } = await connectObjects<{ flights: Flights }>(socket);
process.stdout.write('asked\n');
await objects.flights.acquire(key, 'the only name');
process.stdout.write('has it\n');
