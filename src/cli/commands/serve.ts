import type { CliContext } from '../context.ts';

export function serve(context: CliContext, options: { listen?: string; content?: string }): Promise<number> {
  return context.services.serve({ data: context.data.root, listen: options.listen, content: options.content });
}
