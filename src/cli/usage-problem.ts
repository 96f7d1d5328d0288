import { Problem } from '../lib/problem.ts';

/** The command was called wrongly: nothing was tried. The shell learns it by exit code 2. */
export class UsageProblem extends Problem {
  constructor(message: string, hint?: string) {
    super('invalid', message, { hint });
  }
}
