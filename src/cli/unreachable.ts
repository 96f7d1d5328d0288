import { Problem } from '../lib/problem.ts';

/** No Slipway server answers. (A registry that the server can't reach is a failure like any other, and is no exit code 3.) */
export class Unreachable extends Problem {
  constructor(message: string, hint: string) {
    super('unavailable', message, { hint });
  }
}
