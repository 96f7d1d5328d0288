import { createReadStream } from 'node:fs';
import { stringify } from 'yaml';
import { problemOfComplaints } from '../../builds/request/complaint.ts';
import { parseConfigFile } from '../../builds/request/config-file.ts';
import { examineRequest } from '../../builds/request/examine.ts';
import { planOf, stepLabel } from '../../builds/request/plan.ts';
import type { BuildRequest } from '../../builds/request/request.ts';
import { builtInsOf } from '../../builds/submit.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { hasErrorCode, Problem, placeLabel } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { projectOf } from '../project.ts';

interface RenderOptions {
  config: string;
  region: string;
  project?: string;
  substitutions: Record<string, string>;
  loose?: boolean;
  json?: boolean;
}

/** Bytes; four times what the parser takes in characters, which is the most that UTF-8 makes of them. */
const MAX_CONFIG = 4 << 20;

/** What BUILD_ID becomes in a build that is only shown. */
export const SHOWN_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Prints the build as it would run, and in which order. With `loose` as a trigger would run it: what has no value is empty,
 * and what that breaks is only noted.
 */
export async function render(context: CliContext, options: RenderOptions): Promise<number> {
  const text = await readConfigFile(options.config);
  const { request, placeOf } = parseConfigFile(text, options.config);
  const given = { ...request.substitutions, ...options.substitutions };
  const substitutions = Object.keys(given).length === 0 ? {} : { substitutions: given };
  const { request: resolved, complaints } = examineRequest(
    { ...request, ...substitutions, ...(options.loose ? asTriggered(request) : {}) },
    builtInsOf(SHOWN_ID, projectOf(options.project), options.region),
  );
  const excused = complaints.filter(({ emptied }) => options.loose && emptied !== undefined);
  const wrong = complaints.filter((complaint) => !excused.includes(complaint));
  if (wrong.length > 0) throw problemOfComplaints(wrong, placeOf);
  if (options.json) context.terminal.out(`${JSON.stringify(resolved, null, 2)}\n`);
  else context.terminal.out(stringify(resolved, { lineWidth: 0, aliasDuplicateObjects: false }) + order(resolved));
  for (const { message, hint, path, word } of excused)
    context.terminal.err(
      `note: ${placeLabel(placeOf(path, word))}: ${message}${hint === undefined ? '' : `\n  ${hint}`}\n`,
    );
  return EXIT.done;
}

function asTriggered({ options }: BuildRequest): Pick<BuildRequest, 'options'> {
  return { options: { ...options, substitutionOption: 'ALLOW_LOOSE', dynamicSubstitutions: true } };
}

function order({ steps = [] }: BuildRequest): string {
  const lines = planOf(steps).map(({ label, after }) => {
    const waits = after.map((before) => stepLabel(before, steps[before]?.id));
    return `# ${label}: ${waits.length === 0 ? 'at once' : `after ${waits.join(', ')}`}\n`;
  });
  return `\n# order\n${lines.join('')}`;
}

/** @throws Problem `not-found` with what to do, `invalid` for what is longer than any config */
export async function readConfigFile(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_CONFIG)
        throw new Problem('invalid', `${path} is longer than ${formatBytes(MAX_CONFIG)}: that is no build config`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR')) throw error;
    throw new Problem('not-found', `no such file: ${path}`, {
      hint: 'Name the file of the steps with --config; slipway submit --tag IMAGE builds a Dockerfile without one.',
    });
  }
}
