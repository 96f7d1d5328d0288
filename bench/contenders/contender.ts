import type { AccountedGroup } from '../accounting.ts';

export interface Command {
  argv: string[];
  env?: Record<string, string>;
  /** Reads the server's own measurement, in milliseconds, out of what the command printed. */
  serverMs?(stdout: string): number;
}

export interface ImageBuild {
  context: string;
  /** Path of the Dockerfile. */
  file: string;
  tag: string;
}

/** One program, or one way of using it, on the same work as the others. Begun -> renewed, as often as a row asks -> ended. */
export interface Contender {
  readonly name: string;
  /** Holds everything that it runs. */
  readonly group: AccountedGroup;
  /** An empty store in a new folder (mass deletion would make file creation dearer for whoever comes next), daemon running. */
  renew(): Promise<void>;
  /** Commands that bring an image of one registry under another name of it. Absent: it is no match for this. */
  mirror?(source: string, target: string): Promise<Command[]>;
  build?(image: ImageBuild): Promise<Command[]>;
  /** Sends an image that `build` named to the registry that its name begins with. */
  push?(tag: string): Promise<Command[]>;
  /** Brings an image into the store; who unpacks by itself does that too. */
  pull?(source: string): Promise<Command[]>;
  /** Copies an image that lies in a folder (skopeo's `dir:`) to a registry. Absent for who has a store. */
  send?(folder: string, target: string): Promise<Command[]>;
  end(): Promise<void>;
}

/** What is known before anything is started. */
export interface Candidate {
  name: string;
  /** The version, or why it can't take part. */
  find(): Promise<{ version: string } | { absent: string }>;
  begin(folder: string): Promise<Contender>;
}
