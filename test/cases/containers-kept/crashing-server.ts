import { Machine } from '../containers/machine.ts';
import { KeptScope } from './kept-scope.ts';

/** Starts containers as a server would, tells their ids, and goes on until it is killed. */
const scope = await new KeptScope(new Machine()).open();
const ids: Record<string, string> = {};
const start = async (name: string, script: string, changes: Parameters<KeptScope['create']>[1] = {}) => {
  ids[name] = await scope.create(script, { ...changes, name });
  await scope.containers.start(name);
};
await start('plain', 'echo kept > /data/file; echo said; sleep 1000');
await start('removed', 'sleep 1000', {
  autoRemove: true,
  mounts: [{ kind: 'volume', target: '/v', readonly: false, noCopy: false }],
});
await start('always', 'echo run; sleep 1000', { restart: { policy: 'always', retries: 0 } });
await start('stopped', 'sleep 1000', { restart: { policy: 'unless-stopped', retries: 0 } });
await scope.containers.stop('stopped', 0);
await start('bridged', 'sleep 1000', { network: { kind: 'named', name: 'bridge', aliases: [] } });
await scope.containers.pause('plain');
await scope.create('true', { name: 'never' });
await scope.volumes.create('named', { a: 'b' });
await scope.networks.create('own', { labels: {}, internal: false });
process.stdout.write(`${JSON.stringify({ folder: scope.machine.folder, tag: scope.machine.tag, ids })}\n`);
setInterval(() => undefined, 1000);
