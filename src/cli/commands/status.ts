import type { ServerStatus } from '../../doors/control/wire.ts';
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
        buildsLine(found.builds),
        ...found.upstreams.map((state) => `  ${state.repository}: ${upstreamLine(state)}`),
        '',
      ].join('\n'),
    );
  return 0;
}

function buildsLine({ running, waiting, draining }: ServerStatus['builds']): string {
  const line = `  builds: ${running} running, ${waiting} waiting`;
  return draining ? `${line}; draining: takes no more, and ends when the running ones have` : line;
}
