import type { BridgeNetwork, ContainerRuntime, Network } from '../containers/container.ts';

let builds = 0;

/**
 * What the RUN lines of one image build are connected to; `default` is a bridge, made when the first of them needs it.
 * Whether its caller may have the machine's network was asked before.
 */
export async function openBuildNetwork(
  runtime: ContainerRuntime,
  mode: 'default' | 'none' | 'host',
): Promise<{ network: Network; close(): Promise<void> }> {
  const nothing = async () => undefined;
  if (mode === 'none') return { network: { kind: 'none' }, close: nothing };
  if (mode === 'host') return { network: { kind: 'host' }, close: nothing };
  let made: Promise<BridgeNetwork> | undefined;
  const bridge = () => {
    made ??= runtime.createNetwork(`image-${process.pid}-${++builds}`);
    return made;
  };
  return { network: { kind: 'bridge', bridge }, close: async () => (await made)?.close() };
}
