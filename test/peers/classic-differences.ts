import type { Golden } from './golden.ts';
import type { KnownDifference } from './known-differences.ts';

/**
 * Where docker's two builders (20.10) give different images, and which of them we follow: BuildKit, unless
 * known-differences.ts says otherwise.
 */
const CLASSIC_DIFFERENCES: readonly KnownDifference[] = [
  {
    cases: /./,
    line: /^config WorkingDir: nothing, not "\/"$/,
    reason: 'BuildKit says where a container of an image without WORKDIR starts; the classic builder leaves it open.',
  },
  {
    cases: /^run-mount-/,
    line: /^error: the --mount option requires BuildKit/,
    reason: 'The classic builder has no --mount.',
  },
  {
    cases: /^copy-chmod/,
    line: /^error: the --chmod option requires BuildKit/,
    reason: 'The classic builder has no --chmod.',
  },
  {
    cases: /^add-archive-with-owner$|^copy-empty-folder$/,
    line: /^file owned: folder 755 0:0, not folder 755 \d+:\d+$/,
    reason: 'The classic builder gives the folder that it makes for a copy to root, whatever --chown says.',
  },
  {
    cases: /^arg-and-env$/,
    line: /^(?:file seen|config Labels)/,
    reason: 'In the classic builder ENV wins over an ARG of its name: we follow it here, as the reference says.',
  },
  {
    cases: /^arg-said-again$/,
    line: /^config Labels/,
    reason: "In the classic builder, an ARG that is said again without a default loses the earlier line's.",
  },
  {
    cases: /^arg-scopes$/,
    line: /^(?:file seen|config Env)/,
    reason: 'In the classic builder, a stage does not see the arguments of the stage that it is built on.',
  },
  {
    cases: /^cmd-empty$/,
    line: /^config Cmd: /,
    reason:
      'An empty CMD is a shell with an empty command in BuildKit, and a shell without one in the classic builder.',
  },
  {
    cases: /^copy-chown-(?:by-names-of-the-image|group-alone|without-group)$/,
    line: /^error: unable to convert uid\/gid chown string/,
    reason: 'The classic builder wants a user and a group; BuildKit takes the group that goes with the user.',
  },
  {
    cases: /^copy-chown-unknown$/,
    line: /^error: .*no such user/,
    reason: 'We follow the classic builder here: the reference says that it fails.',
  },
  {
    cases: /^copy-(?:chown-takes-capabilities-away|from-keeps-attributes)$/,
    line: /^file \S+: file 755 \S+ 2 \w+ \S+, not file .* security\.capability=/,
    reason: 'The classic builder copies a file without its capabilities, when it is named or gets another owner.',
  },
  {
    cases: /^copy-(?:destinations|from-stage-relative)$/,
    line: /^error: COPY failed: forbidden path outside the build context/,
    reason: 'BuildKit stops `..` at the root; the classic builder refuses it.',
  },
  {
    cases: /^copy-(?:fifo-of-context|from-stage-nodes-and-hard-links)$/,
    line: /^file \S+: (?:fifo|char) /,
    reason: 'We follow the classic builder here: pipes and devices are copied.',
  },
  {
    cases: /^copy-(?:file-over-folder-in-tree|folder-over-file-in-tree|folder-over-link-to-folder)$/,
    line: /^it builds$/,
    reason: 'We follow the classic builder here: a tree that is copied replaces what it meets.',
  },
  {
    cases: /^copy-(?:glob-onto-one-name|glob-without-match|glob-without-slash|several-without-slash)$/,
    line: /^error: (?:When using COPY with more than one source file|COPY failed: no source files)/,
    reason:
      'The classic builder wants a slash after a destination for several files; BuildKit is silent. We fail or warn.',
  },
  {
    cases: /^copy-modes$/,
    line: /^file all\/suid: file 755 /,
    reason: 'The classic builder loses setuid when it changes the owner.',
  },
  {
    cases: /^dockerfile-elsewhere-with-own-ignore$/,
    line: /^file all\//,
    reason: "The classic builder does not know an ignore file of the Dockerfile's own.",
  },
  {
    cases: /^dockerignore-all-but$/,
    line: /^file all\/deep/,
    reason: "Folders that hold nothing but what is excluded are sent by BuildKit's client, and not by the classic one.",
  },
  {
    cases: /^(?:from-platform-variables|platform-arguments)$/,
    line: /^error: /,
    reason: 'The classic builder has no platform arguments.',
  },
  {
    cases: /^from-scratch-with-labels-alone$/,
    line: /^error: No image was generated/,
    reason: 'The classic builder makes no image of settings alone.',
  },
  {
    cases: /^healthcheck-(?:flags-alone-of-base|forms|none-over-base)$/,
    line: /^config Healthcheck: /,
    reason: "The classic builder mixes the flags of an earlier HEALTHCHECK into a later one's.",
  },
  {
    cases: /^healthcheck-is-inherited$/,
    line: /^config Author: nothing, not "Somebody Else"$/,
    reason: 'An image has the author of its base in BuildKit; the classic builder forgets him.',
  },
  {
    cases: /^(?:onbuild-of-every-kind|stages-inherit)$/,
    line: /^file va?: folder 755 0:0, not nothing$/,
    reason: 'VOLUME makes the folder in the classic builder; in BuildKit it is a setting alone.',
  },
  {
    cases: /^volume-then-write$/,
    line: /^(?:file data\/after|layers)/,
    reason: 'The classic builder loses what is written below a volume.',
  },
  {
    cases: /^scratch-with-run$/,
    line: /^file (?:dev|etc|proc|sys): nothing/,
    reason: "The classic builder's mount points stay out of the layer, as ours do.",
  },
  {
    cases: /^stage-name-twice$/,
    line: /^error: same stage name already used/,
    reason: 'The classic builder refuses it; in BuildKit the last one counts.',
  },
  {
    cases: /^stage-that-nobody-needs-is-left-out$/,
    line: /^error: /,
    reason: 'The classic builder builds every stage up to the target.',
  },
  {
    cases: /^workdir-with-user$/,
    line: /^file \S+: folder 755 0:0, not folder 755 1000:1001$/,
    reason: 'WORKDIR makes a folder for USER in BuildKit, and for root in the classic builder.',
  },
];

/** @returns what the classic builder does otherwise and no reason stands for */
export function unexplainedClassic(name: string, { buildkit, classic }: Golden): string[] {
  if (classic === 'same') return [];
  // what two builders say when both fail is each one's own
  const lines = 'differs' in classic ? classic.differs : 'error' in buildkit ? [] : [`error: ${classic.error}`];
  return lines.filter((line) => !CLASSIC_DIFFERENCES.some((known) => known.cases.test(name) && known.line.test(line)));
}
