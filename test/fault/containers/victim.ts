import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { withReadOnlyView } from '../../../src/containers/sandbox/overlay.ts';

/** A process that looks into an image and runs a container on a bridge until somebody kills it. Arguments: data folder, tag, image, upper, seconds. */
const [dataFolder = '', tag = '', image = '', upper = '', seconds = ''] = process.argv.slice(2);
const runtime = createRuntime({ dataFolder, tag, allowHostNetwork: false });
const view = await mkdtemp(join(dataFolder, 'view-'));
void withReadOnlyView(view, { lowers: [image], upper }, () => new Promise(() => undefined));
const bridge = await runtime.createNetwork('victim');
await runtime.run(
  {
    id: 'victim',
    rootfs: { lowers: [image], upper },
    args: ['sh', '-c', `setsid sleep ${seconds} & echo ${bridge.name}; sleep ${seconds}`],
    env: [],
    cwd: '/',
    user: '',
    hostname: 'victim',
    mounts: [],
    network: { kind: 'bridge', bridge },
  },
  {
    onStdout: (chunk) => process.stdout.write(chunk),
    onStderr: (chunk) => process.stderr.write(chunk),
    signal: new AbortController().signal,
  },
);
