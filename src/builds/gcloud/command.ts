import type { FlagSpec, Flags } from '../docker/flags.ts';
import type { GsutilSession } from '../gsutil/session.ts';

/** One command of gcloud, as the native builder serves it. */
export interface GcloudCommand {
  /** Besides those that every command has. */
  flags: readonly FlagSpec[];
  /** How many arguments it takes. */
  args: { min: number; max: number };
  /** What of these flags and arguments it can't do by itself; absent: nothing. */
  beyond?(flags: Flags): boolean;
  run(flags: Flags, session: GsutilSession): Promise<number>;
}

/** A complaint in gcloud's words: `ERROR: (gcloud.storage.cp) ...`, exit code 1. */
export class GcloudError extends Error {}

/** Flags of one kind. */
export function flagsOf(takes: FlagSpec['takes'], ...names: (string | [name: string, short: string])[]): FlagSpec[] {
  return names.map((name) => (typeof name === 'string' ? { name, takes } : { name: name[0], short: name[1], takes }));
}
