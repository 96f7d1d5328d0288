import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function tag(context: CliContext, _options: object, source: string, target: string): Promise<number> {
  await withControl(context, (control) => control.call('tag', { source, target }));
  return 0;
}
