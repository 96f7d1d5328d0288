import { resolve } from 'node:path';
import type { BuildCall } from '../doors/control/wire.ts';
import { parseOutput } from '../engine/options/output.ts';
import { fullName } from '../images/reference.ts';
import { UsageProblem } from './usage-problem.ts';

export interface AskedOutputs {
  outputs: BuildCall['outputs'];
  /** More names of the image. */
  names: string[];
  push: boolean;
}

/**
 * What the `--output` flags ask for. At most one may be standard output.
 * @param standardOutput a socket whose other end is standard output
 * @throws Problem, UsageProblem
 */
export function askedOutputs(flags: readonly string[], standardOutput: string | undefined): AskedOutputs {
  const asked: AskedOutputs = { outputs: [], names: [], push: false };
  let piped = 0;
  for (const text of flags) {
    const flag = parseOutput(text);
    if (flag.kind === 'image') {
      asked.names.push(...flag.names);
      asked.push ||= flag.push;
    } else if (flag.kind === 'local') asked.outputs.push({ kind: 'local', folder: resolve(flag.dest) });
    else {
      const names = flag.names.map(fullName);
      if (flag.dest !== '-') asked.outputs.push({ kind: flag.kind, names, file: resolve(flag.dest) });
      else if (standardOutput === undefined || piped++ > 0)
        throw new UsageProblem(`--output ${text}: standard output is taken already`, 'Name a file: dest=FILE.');
      else asked.outputs.push({ kind: flag.kind, names, socket: standardOutput });
    }
  }
  return asked;
}

/** Whether standard output carries an archive, and words have to go elsewhere. */
export function writesToStandardOutput(flags: readonly string[]): boolean {
  return flags.some((text) => {
    const flag = parseOutput(text);
    return 'dest' in flag && flag.dest === '-';
  });
}
