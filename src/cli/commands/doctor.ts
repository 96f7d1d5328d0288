import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

export async function doctor(
  context: CliContext,
  options: { quick?: boolean; repair?: boolean; json?: boolean },
): Promise<number> {
  if (options.quick && options.repair)
    throw new UsageProblem('--repair has to read everything that is stored', 'Give it without --quick.');
  const { healthy } = await withControl(context, (control) =>
    control.call(
      'doctor',
      { verify: options.quick !== true, repair: options.repair === true },
      (line) => {
        if (options.json) context.terminal.out(`${JSON.stringify(line)}\n`);
        else {
          context.terminal.out(`${line.ok ? 'ok  ' : 'BAD '} ${line.check.padEnd(22)} ${line.detail}\n`);
          if (line.repaired !== undefined) context.terminal.out(`     ${' '.repeat(22)} Repaired: ${line.repaired}.\n`);
          if (line.remedy !== undefined) context.terminal.out(`     ${' '.repeat(22)} ${line.remedy}\n`);
        }
      },
      context.signal,
    ),
  );
  if (!options.json)
    context.terminal.out(healthy ? 'All is well.\n' : 'Something is wrong; see the lines marked BAD.\n');
  return healthy ? EXIT.done : EXIT.failed;
}
