/** Where our answer to a lesson's command differs from dockerd's on purpose. */
export interface KnownDifference {
  /** Of the command. */
  command: RegExp;
  /** Of the difference, as `differences` words it. */
  line: RegExp;
  reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [];
