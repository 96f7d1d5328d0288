import type { CliContext } from '../context.ts';

export async function status(context: CliContext, options: { json?: boolean }): Promise<number> {
  const found = await context.server().call('status', {});
  if (options.json) context.terminal.out(`${JSON.stringify(found)}\n`);
  else
    context.terminal.out(`Slipway ${found.version} at ${found.url}, process ${found.pid}\n  data in ${found.data}\n`);
  return 0;
}
