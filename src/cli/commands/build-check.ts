import { countWarnings, renderWarning } from '../../dockerfile/checks/report.ts';
import type { Warning } from '../../dockerfile/checks/warnings.ts';
import type { BuildCall } from '../../doors/control/wire.ts';
import type { BuildEvent } from '../../engine/events.ts';
import { Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { withControl } from '../with-control.ts';

/**
 * `slipway build --check`: prints every warning about the Dockerfile with its place and its fix, in the order of the file.
 * @param json one document for programs: `{file, warnings: [{rule, message, ranges, fix}], error?}`
 * @returns whether there was anything to say, as the exit code
 */
export async function checkDockerfile(context: CliContext, call: BuildCall, json: boolean): Promise<number> {
  const { terminal, signal } = context;
  const warnings: Warning[] = [];
  const onEvent = (event: BuildEvent) => {
    if (event.kind === 'warning') warnings.push(event);
  };
  let failure: unknown;
  try {
    await withControl(context, (control) => control.call('build', call, onEvent, signal));
  } catch (error) {
    failure = error;
  }
  const first = ({ place }: Warning) => place.ranges[0]?.line ?? 0;
  warnings.sort((a, b) => first(a) - first(b));
  const file = 'path' in call.dockerfile ? call.dockerfile.path : call.dockerfile.name;
  if (json && (failure === undefined || failure instanceof Problem))
    terminal.out(`${JSON.stringify({ file, warnings: warnings.map(plain), ...errorOf(failure) })}\n`);
  else {
    for (const warning of warnings) terminal.out(`${renderWarning(warning)}\n\n`);
    if (failure !== undefined) throw failure;
    terminal.out(`${countWarnings(warnings.length, file)}\n`);
  }
  if (failure instanceof Problem) return exitCodeOf(failure);
  return warnings.length === 0 ? EXIT.done : EXIT.failed;
}

function plain({ rule, message, place: { ranges }, fix }: Warning): object {
  return { rule, message, ranges, ...(fix === undefined ? {} : { fix }) };
}

function errorOf(failure: unknown): object {
  if (!(failure instanceof Problem)) return {};
  const { message, place, hint } = failure;
  return { error: { message, ranges: place?.ranges ?? [], ...(hint === undefined ? {} : { hint }) } };
}
