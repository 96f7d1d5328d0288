import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export type Run = (context: CliContext, options: never, ...args: never[]) => Promise<number>;

export interface Words {
  /** One line of the list of commands. */
  summary: string;
  /** A sentence or two above the command's own help. */
  about: string;
  /** Lines that can be typed as they are. */
  examples?: string[];
}

/** Adds a command, with what runs it, or without for a group of commands. */
export type AddCommand = (parent: Command, usage: string, words: Words, load?: () => Promise<Run>) => Command;

/** What the examples of the help are about. */
export const EXAMPLE_IMAGE = 'europe-central2-docker.pkg.dev/demo/live-coding/api';
