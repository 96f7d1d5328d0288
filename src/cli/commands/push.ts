import { parseReference } from '../../images/reference.ts';
import type { CliContext } from '../context.ts';
import { transferProgress } from '../progress/transfer-progress.ts';
import { withControl } from '../with-control.ts';

export async function push(
  context: CliContext,
  options: { allTags?: boolean; json?: boolean },
  name: string,
): Promise<number> {
  const { terminal, signal } = context;
  const { host, repository } = parseReference(name);
  if (!options.json) terminal.err(`The push refers to repository [${host}/${repository}]\n`);
  const progress = transferProgress(terminal, options.json);
  const pushed = await withControl(context, (control) =>
    control.call('push', { name, all: options.allTags === true }, (event) => progress.listen(event), signal),
  ).finally(() => progress.finish());
  if (options.json) terminal.out(`${JSON.stringify(pushed, null, 2)}\n`);
  else
    for (const { reference, digest, own } of pushed)
      terminal.out(`${reference}: digest: ${digest}${own ? ' (this registry; no byte moved that was here)' : ''}\n`);
  return 0;
}
