import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function pull(
  context: CliContext,
  options: { platform?: string; json?: boolean },
  name: string,
): Promise<number> {
  const pulled = await withControl(context, (control) =>
    control.call('pull', { name, platform: options.platform }, undefined, context.signal),
  );
  if (options.json) context.terminal.out(`${JSON.stringify(pulled, null, 2)}\n`);
  else {
    const state = pulled.fresh ? 'fetched' : 'was here already';
    context.terminal.out(
      `${pulled.image.name}\n  digest ${pulled.digest}, ${state}${pulled.own ? ', served from this machine' : ''}\n`,
    );
  }
  return 0;
}
