import type { BridgeNetwork, ContainerRuntime, Network } from '../containers/container.ts';
import { Problem } from '../lib/problem.ts';

let builds = 0;

/**
 * What `default` means for the RUN lines of one image build: a bridge, made when the first of them needs it.
 * @throws Problem `denied` when the host's network is switched off
 */
export async function openBuildNetwork(
  runtime: ContainerRuntime,
  mode: 'default' | 'none' | 'host',
  allowHost: boolean,
): Promise<{ network: Network; close(): Promise<void> }> {
  const nothing = async () => undefined;
  if (mode === 'none') return { network: { kind: 'none' }, close: nothing };
  if (mode === 'host') {
    if (!allowHost)
      throw new Problem('denied', 'the host network is switched off on this server', {
        hint: 'Set builds.allowHostNetwork: true in slipway.yaml, or leave --network out: builds then have a network of their own.',
      });
    return { network: { kind: 'host' }, close: nothing };
  }
  let made: Promise<BridgeNetwork> | undefined;
  const bridge = () => {
    made ??= runtime.createNetwork(`image-${process.pid}-${++builds}`);
    return made;
  };
  return { network: { kind: 'bridge', bridge }, close: async () => (await made)?.close() };
}
