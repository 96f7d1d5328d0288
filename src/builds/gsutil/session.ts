import type { NativeContext } from '../builders/native-builder.ts';

/** A complaint in gsutil's words; exit code 1. */
export class CommandException extends Error {}

export interface GsutilSession extends NativeContext {
  quiet: boolean;
  out(line: string): void;
  /** Progress and errors go to standard error, as gsutil's do. */
  err(line: string): void;
  /** An absolute path of the step. */
  absolute(path: string): string;
}

/** One command behind `gsutil`: its arguments without the global flags. */
export type GsutilCommand = (args: readonly string[], session: GsutilSession) => Promise<number>;

/** Flags of one letter, alone or joined (`-rn`), before the arguments, as Python's getopt reads them. */
export function splitFlags(
  command: string,
  args: readonly string[],
  known: { switches: string; values?: string },
): { flags: Set<string>; values: Map<string, string>; rest: string[] } {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const rest = [...args];
  while (rest[0]?.startsWith('-') && rest[0] !== '-') {
    const arg = rest.shift() ?? '';
    if (arg === '--') break;
    for (let i = 1; i < arg.length; i++) {
      const letter = arg[i] ?? '';
      if (known.switches.includes(letter)) flags.add(letter);
      else if (known.values?.includes(letter)) {
        values.set(letter, arg.slice(i + 1) || (rest.shift() ?? ''));
        break;
      } else
        throw new CommandException(
          `Incorrect option(s) specified. Usage:\n\n  gsutil ${command} -${known.switches.split('').join(' -')} ...`,
        );
    }
  }
  return { flags, values, rest };
}
