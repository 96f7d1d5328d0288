import type { NativeContext } from '../builders/native-builder.ts';
import type { FlagSpec, Flags } from './flags.ts';

/** One command of docker's command line, as the native builder serves it. */
export interface DockerCommand {
  /** `build`, `image ls`: behind `docker`. */
  name: string;
  /** Behind the name in the usage line. */
  usage: string;
  summary: string;
  flags: readonly FlagSpec[];
  /** How many arguments it takes. */
  args: { min: number; max: number };
  /** @returns the exit code; Problems are printed by docker.ts as the daemon's error */
  run(flags: Flags, docker: DockerSession): Promise<number>;
}

/** A step's context with printing by lines. */
export interface DockerSession extends NativeContext {
  out(line: string): void;
  err(line: string): void;
}
