import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec, ProcessIo } from '../../../src/containers/container.ts';
import { createRuntime } from '../../../src/containers/runtime.ts';

/** A process that keeps containers of every kind until somebody kills it. Arguments: data folder, tag, image, seconds. */
const [dataFolder = '', tag = '', image = '', seconds = ''] = process.argv.slice(2);
const runtime = createRuntime({ dataFolder, tag, allowHostNetwork: false });
const bridge = await runtime.createNetwork('keeping');
const terminal = { rows: 24, columns: 80 };

const start = async (id: string, changes: Partial<ContainerSpec> = {}, io: Partial<ProcessIo> = {}) => {
  const upper = join(dataFolder, `${id}-upper`);
  mkdirSync(upper);
  const spec: ContainerSpec = {
    id,
    rootfs: { lowers: [image], upper },
    args: ['sh', '-c', `setsid sleep ${seconds} & sleep ${seconds}; wait`],
    env: [],
    cwd: '/',
    user: '',
    hostname: id,
    mounts: [],
    network: { kind: 'none' },
    ...changes,
  };
  const nothing = () => undefined;
  const whole = { onStdout: nothing, onStderr: nothing, stdin: true, ...io };
  return await runtime.start(spec, whole, new AbortController().signal);
};

const port = { protocol: 'tcp', containerPort: 80, hostAddress: '127.0.0.1', hostPort: 0 } as const;
await start('named', { network: { kind: 'bridge', bridge, names: ['named'] }, ports: [port] });
await start('beside', { network: { kind: 'container', id: 'named' } });
await start('machines', { shared: ['pid'] });
const onTerminal = await start('terminal', {}, { terminal });
const second = { args: ['sleep', seconds], env: [], cwd: '/', user: '' };
for (const size of [undefined, terminal]) {
  await onTerminal.exec(second, { onStdout: () => undefined, onStderr: () => undefined, stdin: true, terminal: size });
}
await (await start('paused')).pause();
process.stdout.write('ready\n');
