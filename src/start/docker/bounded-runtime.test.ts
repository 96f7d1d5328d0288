import { expect, it } from 'vitest';
import type { BridgeNetwork, ContainerRuntime, ContainerStarter, NetworkOptions } from '../../containers/container.ts';
import { boundedRuntime } from './bounded-runtime.ts';

const bridge = (internal: boolean): BridgeNetwork => ({
  name: 'slw1',
  subnet: '10.0.0.0/24',
  internal,
  close: async () => undefined,
});

it.each<[build: boolean, asked: NetworkOptions | undefined, made: boolean]>([
  [true, undefined, true],
  [true, { internal: false }, true],
  [false, undefined, false],
  [false, { internal: true }, true],
])(
  'of a build whose network is internal: %s, a network asked for with %j is internal: %s',
  async (build, asked, made) => {
    const runtime = {
      createNetwork: async (_owner: string, options?: NetworkOptions) => bridge(options?.internal === true),
    } as unknown as ContainerRuntime & ContainerStarter;
    const bounded = boundedRuntime(runtime, async () => bridge(build));
    expect((await bounded.createNetwork('scope', asked)).internal).toBe(made);
  },
);
