import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { parseConfigFile } from '../../builds/request/config-file.ts';
import { planOf, stepLabel } from '../../builds/request/plan.ts';
import { builtInsOf, resolveRequest } from '../../builds/submit.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { projectOf } from '../project.ts';

interface RenderOptions {
  config: string;
  region: string;
  project?: string;
  substitutions: Record<string, string>;
  loose?: boolean;
  json?: boolean;
}

/** What BUILD_ID becomes in a build that is only shown. */
export const SHOWN_ID = '00000000-0000-0000-0000-000000000000';

export async function render(context: CliContext, options: RenderOptions): Promise<number> {
  const text = await readConfigFile(options.config);
  const { request, placeOf } = parseConfigFile(text, options.config);
  const substitutions = { ...request.substitutions, ...options.substitutions };
  const loose = options.loose ? { options: { ...request.options, substitutionOption: 'ALLOW_LOOSE' as const } } : {};
  const resolved = resolveRequest(
    { ...request, substitutions, ...loose },
    builtInsOf(SHOWN_ID, projectOf(options.project), options.region),
    placeOf,
  );
  if (options.json) context.terminal.out(`${JSON.stringify(resolved, null, 2)}\n`);
  else {
    context.terminal.out(stringify(resolved, { lineWidth: 0 }));
    const steps = resolved.steps ?? [];
    context.terminal.out('\n# order\n');
    for (const [index, planned] of planOf(steps).entries()) {
      const waits = planned.after.map((before) => stepLabel(before, steps[before]?.id));
      context.terminal.out(
        `# ${stepLabel(index, steps[index]?.id)}: ${waits.length === 0 ? 'at once' : `after ${waits.join(', ')}`}\n`,
      );
    }
  }
  return 0;
}

/** @throws Problem `not-found` with what to do */
export async function readConfigFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR')) throw error;
    throw new Problem('not-found', `no such file: ${path}`, {
      hint: 'Name the file of the steps with --config; slipway submit --tag IMAGE builds a Dockerfile without one.',
    });
  }
}
