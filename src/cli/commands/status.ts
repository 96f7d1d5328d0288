import type { CliContext } from '../context.ts';
import { upstreamLine } from '../upstream-line.ts';

export async function status(context: CliContext, options: { json?: boolean }): Promise<number> {
  const found = await context.server().call('status', {});
  if (options.json) context.terminal.out(`${JSON.stringify(found)}\n`);
  else
    context.terminal.out(
      [
        `Slipway ${found.version} at ${found.url}, process ${found.pid}`,
        `  data in ${found.data}`,
        `  docker at unix://${found.dockerSocket}`,
        ...found.upstreams.map((state) => `  ${state.repository}: ${upstreamLine(state)}`),
        '',
      ].join('\n'),
    );
  return 0;
}
