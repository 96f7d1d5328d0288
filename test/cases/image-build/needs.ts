import { execFileSync } from 'node:child_process';

/** Whether a program of this machine answers; tests that need it are skipped by name where it doesn't. */
export function answers(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const hasRunc = process.getuid?.() === 0 && answers('runc', '--version');
export const isRoot = process.getuid?.() === 0;
