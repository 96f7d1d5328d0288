import { familiarName, parseReference, withDefaultTag } from '../../images/reference.ts';
import type { CliContext } from '../context.ts';
import { transferProgress } from '../progress/transfer-progress.ts';
import { withControl } from '../with-control.ts';

interface PullOptions {
  platform?: string;
  lazy?: boolean;
  json?: boolean;
}

export async function pull(context: CliContext, options: PullOptions, name: string): Promise<number> {
  const { terminal, signal } = context;
  const { platform, lazy } = options;
  const reference = withDefaultTag(parseReference(name));
  if (!options.json) terminal.err(`${reference.tag ?? reference.digest}: Pulling from ${reference.repository}\n`);
  const progress = transferProgress(terminal, options.json);
  const pulled = await withControl(context, (control) =>
    control.call('pull', { name, platform, lazy }, (event) => progress.listen(event), signal),
  ).finally(() => progress.finish());
  if (options.json) terminal.out(`${JSON.stringify(pulled, null, 2)}\n`);
  else {
    const what = pulled.fresh ? 'Downloaded newer image for' : 'Image is up to date for';
    terminal.err(`Digest: ${pulled.digest}\nStatus: ${what} ${familiarName(reference)}\n`);
    const state = pulled.fresh ? 'fetched' : 'was here already';
    terminal.out(
      `${pulled.image.name}\n  digest ${pulled.digest}, ${state}${pulled.own ? ', served from this machine' : ''}\n`,
    );
  }
  return 0;
}
