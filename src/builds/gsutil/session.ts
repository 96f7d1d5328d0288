import type { NativeContext } from '../builders/native-builder.ts';

/** A complaint in gsutil's words; exit code 1. */
export class CommandException extends Error {}

/** A source that means nothing. */
export class NothingMatched extends CommandException {
  readonly url: string;

  constructor(url: string) {
    super(`No URLs matched: ${url}`);
    this.url = url;
  }
}

/** Several things were to go where one file is named. */
export class NotAFolder extends CommandException {
  readonly destination: string;

  constructor(command: string, destination: string) {
    super(
      `Destination URL must name a directory, bucket, or bucket\nsubdirectory for the multiple source form of the ${command} command.`,
    );
    this.destination = destination;
  }
}

export interface GsutilSession extends NativeContext {
  quiet: boolean;
  /** What uploads are given, where the command says so. */
  upload: { contentType?: string | undefined; metadata?: Record<string, string> | undefined };
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
