import type { BridgeNetwork, ContainerRuntime, ContainerStarter } from '../../containers/container.ts';

/**
 * The runtime behind a build's docker socket: where the build has no way out (the pool's NO_PUBLIC_EGRESS), no network that its
 * containers make for themselves has one.
 * @param build the build's own network
 */
export function boundedRuntime(
  runtime: ContainerRuntime & ContainerStarter,
  build: () => Promise<BridgeNetwork>,
): ContainerRuntime & ContainerStarter {
  return {
    run: (...args) => runtime.run(...args),
    start: (...args) => runtime.start(...args),
    createNetwork: async (owner, options) => {
      const internal = options?.internal === true || (await build()).internal === true;
      return await runtime.createNetwork(owner, { ...options, internal });
    },
    sweep: () => runtime.sweep(),
    probe: () => runtime.probe(),
  };
}
