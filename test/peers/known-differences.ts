/** A difference to docker's BuildKit (20.10) that we want, and why. */
export interface KnownDifference {
  /** Names of the cases. */
  cases: RegExp;
  /** Lines of `differences`, or the one that says which side failed. */
  line: RegExp;
  reason: string;
}

const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    cases: /./,
    line: /^history \d+: (?:COPY|ADD) --ch(?:own|mod)=.*, not (?:COPY|ADD) (?!--)/,
    reason: 'Newer BuildKit keeps the flags in the history too: without them nobody sees where an owner comes from.',
  },
  {
    cases: /./,
    line: /^history \d+: EXPOSE \[.*\], not EXPOSE map\[/,
    reason: "The ports as newer BuildKit lists them, in the Dockerfile's order.",
  },
  {
    cases: /./,
    line: /^history \d+: HEALTHCHECK .*, not HEALTHCHECK &\{/,
    reason: 'The instruction as it was written, in place of a Go value whose retries are a control character.',
  },
  {
    cases: /./,
    line: /^history \d+: WORKDIR (\S+), not WORKDIR \1\/$/,
    reason: 'The path without a slash at its end, as in newer BuildKit.',
  },
  {
    cases: /./,
    line: /^file (?:dev|etc|proc|sys): nothing, not folder 755 0:0$/,
    reason: "Our mount points stay out of layers; docker's RUN leaves these folders in an image that had none.",
  },
  {
    cases: /./,
    line: /^file \S+: (.*) (?:user\.\w+=\S+)(.*), not \1\2$/,
    reason: "Attributes of users stay with their files, as with buildah; docker's layers lose all but capabilities.",
  },
  {
    cases: /^copy-(?:fifo-of-context|from-stage-nodes-and-hard-links)$/,
    line: /^file \S+: (?:fifo|char) /,
    reason:
      'Pipes and devices are copied, as by the classic builder; BuildKit drops the one and makes a file of the other.',
  },
  {
    cases: /^copy-chmod-nonsense$|^buildkit test(?:Add|Copy)InvalidChmod/,
    line: /^error: invalid chmod parameter/,
    reason: 'A mode that is none is a mistake, as in newer BuildKit; 20.10 ignores it.',
  },
  {
    cases: /^copy-link$/,
    line: /^file dst: folder 700 0:0, not folder 755 0:0$/,
    reason:
      "A folder that is there keeps its mode: with --link, BuildKit makes it 0755 again, because its layer can't know.",
  },
  {
    cases: /^healthcheck-start-interval$/,
    line: /^config Healthcheck: /,
    reason: '20.10 has no --start-interval; ours is kept as newer docker reads it.',
  },
  {
    cases: /^buildkit test(?:Cache|ImageManifestCache|NoCache|MountRWCache|CgroupParent)/,
    line: /^file (?:unique2?|cgroup): /,
    reason: 'What is written is another text every time, or says where it runs.',
  },
  {
    cases: /^buildkit testAllTargetUnmarshal|^buildah use-args\//,
    line: /^error: COPY source .* is empty after substitution/,
    reason: 'A source whose variable is empty is a mistake; BuildKit copies the whole context in its place.',
  },
  {
    cases: /^buildah copy-chown\/Dockerfile\.bad2$/,
    line: /^error: unable to convert uid\/gid chown string/,
    reason: 'An owner whose variables are empty is a mistake; 20.10 gives the file to root in silence.',
  },
  {
    cases: /^buildkit testRuleCheckOption/,
    line: /^error: lint violation found/,
    reason: '`# check=error=true` came after 20.10, which takes it for a comment.',
  },
  {
    cases: /^buildkit testInvalidJSONCommands|^kaniko Dockerfile_test_cmd$/,
    line: /^error: process "\/bin\/sh -c \[|^(?:config Entrypoint|history \d+): .*\/bin\/sh/,
    reason: 'A JSON list with words behind it is no JSON, as in newer BuildKit; 20.10 drops the words.',
  },
  {
    cases: /^buildkit testExportedHistoryFlattenArgs/,
    line: /^history \d+: RUN \|2 .* not RUN \|3 /,
    reason: 'An argument that is said twice is told once, as in newer BuildKit.',
  },
  {
    cases: /^buildkit test(?:Mount|CacheMount)|^buildah (?:buildkit-mount|cache-)/,
    line: /^file (?:mytmp|mycache2?|cache[12]|test2?|mnt|build[AB]|var\/tmpfs-not-empty): nothing, not folder|^layers: /,
    reason: 'Folders made only to mount on them stay out of the layer, as with newer BuildKit; 20.10 leaves them.',
  },
  {
    cases: /^buildkit testMount(?:EnvVar|Arg|EnvAcrossStages|MetaArg)/,
    line: /^an image, not error: /,
    reason: '20.10 has no variables in --mount.',
  },
  {
    cases: /^buildkit testOnBuildInheritedStageWith/,
    line: /^an image, not error: /,
    reason: 'ONBUILD with COPY --from of a stage came after 20.10.',
  },
  {
    cases: /^buildah no-hostname\//,
    line: /^an image, not error: /,
    reason: 'A RUN finds /etc/hostname, as in a container and in the classic builder; BuildKit has none.',
  },
  {
    cases: /^kaniko Dockerfile_test_issue_519$/,
    line: /^an image, not error: .*BUG_stage/,
    reason: "A stage's name is found in FROM whatever its case, as --from and --target find it; 20.10 asks a registry.",
  },
  {
    cases: /^buildah dest-final-slash/,
    line: /^layers: 2, not 3$/,
    reason: 'That RUN changed nothing else.',
  },
  {
    cases: /^kaniko Dockerfile_test_from_multistage_capital$/,
    line: /^an image, not error: .*BUG_stage/,
    reason: "A stage's name is found in FROM whatever its case, as --from and --target find it; 20.10 asks a registry.",
  },
  {
    cases: /^(?:run-mount-)?onbuild|^buildah onbuild\/|^(?:moby|buildkit|kaniko) .*on_?build/i,
    line: /^history \d+: /,
    reason:
      "ONBUILD has an entry of its own, as the classic builder's history had: it is a line of the Dockerfile too.",
  },
  {
    cases: /^arg-and-env$/,
    line: /^(?:file seen|config Labels|history [567])/,
    reason:
      'ENV wins over an ARG of its name wherever they stand: so the Dockerfile reference says, and so the classic builder ' +
      'does. In BuildKit the later line wins while it builds.',
  },
  {
    cases: /^copy-chmod$/,
    line: /^file new\/place\/file: file 4711 3:4 .* not file 711 3:4/,
    reason: 'The mode that was asked for: 20.10 changes the owner last, and the kernel takes setuid away then.',
  },
  {
    cases: /^copy-chown-unknown$/,
    line: /^error: .*no such user: stranger/,
    reason: 'The reference says that it fails, and the classic builder does; 20.10 gives the file to root in silence.',
  },
  {
    cases:
      /^copy-glob-without-match$|^buildkit test(?:DockerfileAddArchiveWildcard|CopyWildcard)|^moby TestBuildCopyWildcardCache|^buildah copy-globs/,
    line: /^error: COPY failed: no source files were specified/,
    reason: 'A pattern that matches nothing is a mistake, as it was to the classic builder; BuildKit copies nothing.',
  },
  {
    cases: /^copy-several-without-slash$|^buildah copy-globs\/Containerfile\.missing/,
    line: /^file (?:there|testdir)/,
    reason:
      'Several sources make the destination a folder (with a warning), as in newer BuildKit; the classic builder refuses. ' +
      '20.10 writes one over the other.',
  },
  {
    cases: /^(?:copy-glob-onto-one-name|buildah copy-globs\/Containerfile)$/,
    line: /^error: When using COPY with more than one source file/,
    reason: 'Refused as by the classic builder: BuildKit keeps only the last file that the pattern matches.',
  },
  {
    cases: /^copy-(?:file-over-folder|folder-over-file)-in-tree$/,
    line: /^an image, not error: /,
    reason: 'Copying a tree replaces what it meets, as with the classic builder; BuildKit refuses.',
  },
  {
    cases: /^copy-folder-over-link-to-folder$/,
    line: /^an image, not error: cannot copy to non-directory/,
    reason:
      "`COPY rootfs/ /` goes through the base's `/bin -> usr/bin`, as with the classic builder; BuildKit refuses, since " +
      'Debian merged its /usr a much-met failure.',
  },
  {
    cases: /^dockerignore-all-but$|^buildah dockerignore6?\/|^buildah containerignore\//,
    line: /^file (?:all\/deep\/er|subdir)|^an image, not error: .*subdir.* not found/,
    reason: 'An exception with a wildcard holds in folders that are excluded; 20.10 does not look into them.',
  },
  {
    cases: /^run-mount-leaves-no-stubs$/,
    line: /^file (?:cached|on\/the(?:\/way)?|src): nothing, not folder 755 0:0$/,
    reason: 'Folders that were made for a mount go with it, as in newer BuildKit; 20.10 leaves them in the layer.',
  },
  {
    cases: /^run-mount-tmpfs-below-read-only$/,
    line: /^an image, not error: executor failed running/,
    reason:
      'A place for a mount is made in a read-only bind mount too: it is thrown away with everything else there. BuildKit fails.',
  },
  {
    cases: /^target-by-number$/,
    line: /^an image, not error: .*target stage 1 could not be found/,
    reason: '--target takes the number of a stage as COPY --from does; buildah has it too.',
  },
];

/** @returns what no reason stands for */
export function unexplained(name: string, lines: readonly string[]): string[] {
  return lines.filter((line) => reasonFor(name, line) === undefined);
}

/** Why a case differs from docker in that line; undefined when nobody knows. */
export function reasonFor(name: string, line: string): string | undefined {
  return KNOWN_DIFFERENCES.find((known) => known.cases.test(name) && known.line.test(line))?.reason;
}
