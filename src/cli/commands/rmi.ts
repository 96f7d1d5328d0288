import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function rmi(context: CliContext, options: { registry?: boolean }, images: string[]): Promise<number> {
  await withControl(context, async (control) => {
    for (const image of images) {
      if (options.registry) await control.call('removeFromRegistry', { image });
      else await control.call('remove', { name: image });
      context.terminal.out(`${options.registry ? 'Deleted' : 'Untagged'}: ${image}\n`);
    }
  });
  return 0;
}
