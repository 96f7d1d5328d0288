import type { BuildStep } from '../build.ts';

/**
 * Whether the build goes on after this end of a step. allowExitCodes wins over allowFailure: then only those codes are
 * forgiven.
 * @param exitCode undefined when it didn't come to one
 */
export function mayFail(step: BuildStep, exitCode: number | undefined): boolean {
  const codes = step.allowExitCodes ?? [];
  return codes.length > 0 ? exitCode !== undefined && codes.includes(exitCode) : step.allowFailure === true;
}
