import type { Heredoc } from '../lex/heredoc.ts';
import type { Node, Pair, Word } from '../lex/nodes.ts';

/** What every typed instruction has; nothing in it is expanded yet. */
interface Common {
  node: Node;
}

/** Shell form (one text, run by the SHELL) or exec form (the arguments themselves). */
export type Command = { form: 'shell'; line: string } | { form: 'exec'; args: string[] };

export interface FromInstruction extends Common {
  kind: 'from';
  image: Word;
  /** Lower case. */
  name?: string;
  nameWord?: Word;
  /** The word AS. */
  as?: Word;
  platform?: Word;
}

export interface MountFlag {
  word: Word;
  /** In the order written; keys in lower case, `ro` and `rw` and other short forms as written. */
  options: [key: string, value: string][];
}

export interface RunInstruction extends Common {
  kind: 'run';
  command: Command;
  mounts: MountFlag[];
  network: 'default' | 'none' | 'host';
  security: 'sandbox' | 'insecure';
}

export interface CopyInstruction extends Common {
  kind: 'copy' | 'add';
  from?: Word;
  sources: Word[];
  inline: Heredoc[];
  destination: Word;
  chown?: Word;
  chmod?: Word;
  link: boolean;
  parents: boolean;
  exclude: Word[];
  checksum?: Word;
  keepGitDir: boolean;
  unpack?: boolean;
}

export interface PairsInstruction extends Common {
  kind: 'env' | 'label';
  pairs: Pair[];
}

export interface ArgInstruction extends Common {
  kind: 'arg';
  args: { name: string; word: Word; value?: Word }[];
}

/** Instructions of exactly one word. */
export interface TextInstruction extends Common {
  kind: 'workdir' | 'user' | 'stopsignal' | 'maintainer';
  value: Word;
}

export interface WordsInstruction extends Common {
  kind: 'expose' | 'volume';
  words: Word[];
}

export interface CommandInstruction extends Common {
  kind: 'cmd' | 'entrypoint';
  command: Command;
}

export interface ShellInstruction extends Common {
  kind: 'shell';
  args: string[];
}

export interface HealthcheckInstruction extends Common {
  kind: 'healthcheck';
  /** Absent: NONE. */
  command?: Command;
  /** Nanoseconds; absent: the base's. */
  interval?: number;
  timeout?: number;
  startPeriod?: number;
  startInterval?: number;
  retries?: number;
}

export interface OnbuildInstruction extends Common {
  kind: 'onbuild';
  /** The instruction as it is kept in the image, here-documents included. */
  trigger: string;
  instruction: Instruction;
}

export type Instruction =
  | FromInstruction
  | RunInstruction
  | CopyInstruction
  | PairsInstruction
  | ArgInstruction
  | TextInstruction
  | WordsInstruction
  | CommandInstruction
  | ShellInstruction
  | HealthcheckInstruction
  | OnbuildInstruction;
