import type { Network } from '../../../containers/container.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';

/**
 * What `default` means for the RUN lines of a build, for the time of `work`.
 * @throws Problem `not-found` for a network that nobody has made, `denied`
 */
export async function withNetwork<T>(
  mode: string,
  call: DockerCall,
  work: (network: Network) => Promise<T>,
): Promise<T> {
  const { house, caller } = call;
  const known = mode === 'bridge' ? 'default' : mode;
  if (known !== 'default' && known !== 'none' && known !== 'host') {
    if (known.startsWith('container:'))
      throw new Problem('unsupported', `--network ${mode}: a build can't join the network of a container`, {
        hint: 'Networks for a build: default, none, host, or one made by docker network create.',
      });
    const { network, leave } = await house.networks.join(known);
    try {
      return await work(network);
    } finally {
      leave();
    }
  }
  const opened = await house.openBuildNetwork(known, caller);
  try {
    return await work(opened.network);
  } finally {
    await opened.close();
  }
}
