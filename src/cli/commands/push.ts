import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function push(
  context: CliContext,
  options: { allTags?: boolean; json?: boolean },
  name: string,
): Promise<number> {
  const pushed = await withControl(context, (control) =>
    control.call('push', { name, all: options.allTags === true }, undefined, context.signal),
  );
  if (options.json) context.terminal.out(`${JSON.stringify(pushed, null, 2)}\n`);
  else
    for (const { reference, digest, own } of pushed)
      context.terminal.out(
        `${reference}: digest: ${digest}${own ? ' (this registry; no byte moved that was here)' : ''}\n`,
      );
  return 0;
}
