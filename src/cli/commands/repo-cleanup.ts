import { shortDigest } from '../../images/digest.ts';
import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

export async function cleanupRepository(
  context: CliContext,
  { dryRun = false, json = false }: { dryRun?: boolean; json?: boolean },
  name: string,
): Promise<number> {
  const { terminal, signal } = context;
  const { judged, deleted } = await withControl(context, (control) =>
    control.call(
      'cleanupRepository',
      { name, dryRun },
      (line) => {
        if (json) terminal.out(`${JSON.stringify(line)}\n`);
        else {
          const tags = line.tags.length === 0 ? 'no tag' : line.tags.join(' ');
          terminal.out(
            `${line.goes ? 'goes ' : 'stays'}  ${line.image}@${shortDigest(line.digest)}  ${tags}  ${line.reason}\n`,
          );
        }
      },
      signal,
    ),
  );
  terminal.err(`${judged} versions, ${deleted} ${dryRun ? 'would go' : 'deleted'}\n`);
  return 0;
}
