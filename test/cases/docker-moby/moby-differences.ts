/** Where our door's answer to the classic builder's clients differs from dockerd's on purpose. */
interface MobyDifference {
  /** Names of the tests. */
  tests: RegExp;
  /** As `answerDifferences` words it. */
  line: RegExp;
  reason: string;
}

const DIFFERENCES: readonly MobyDifference[] = [
  {
    tests: /./,
    line: /^config WorkingDir: "\/", not nothing$/,
    reason: 'An image without WORKDIR says where its containers start, as BuildKit has it.',
  },
  {
    tests: /^TestBuildMultiStage(?:Unused)?Arg$/,
    line: /^file out: /,
    reason:
      'RUN env > /out: our RUN has no HOSTNAME in its environment, which is another one every time, as with BuildKit.',
  },
  {
    tests: /^TestBuildJSONEmptyRun$/,
    line: /^error: no command specified/,
    reason: 'RUN [] is a mistake, as to BuildKit; the classic builder passes over it.',
  },
  {
    tests: /^TestBuildAddToSymlinkDest$/,
    line: /^an image, not error: The command '\/bin\/sh -c' returned a non-zero code/,
    reason: 'A RUN without a command (the extract cut it off): there is nothing that could fail.',
  },
  {
    tests: /^TestBuildVolumeFileExistsinContainer$/,
    line: /^an image, not error: cannot mount volume over existing file/,
    reason: 'VOLUME is a setting alone, as with BuildKit; the classic builder mounts it at once.',
  },
];

/** Why a test differs in that line; undefined when nobody knows. */
export function mobyReason(name: string, line: string): string | undefined {
  return DIFFERENCES.find((known) => known.tests.test(name) && known.line.test(line))?.reason;
}
