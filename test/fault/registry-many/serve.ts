import { startRegistryServer } from '../../wire/registry-server.ts';

/** A registry in a process of its own, so that its memory and open files can be told from those of its clients. */
const [idleMs] = process.argv.slice(2).map(Number);
const server = await startRegistryServer(idleMs === undefined ? {} : { idleMs });
const secret = await server.token({ role: 'admin', project: 'p' });
process.once('disconnect', () => void server.close().then(() => process.exit()));
process.send?.({ host: server.host, secret });
