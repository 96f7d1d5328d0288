/** Where our answer to a lesson's command differs from dockerd's on purpose. */
export interface KnownDifference {
  /** Of the command. */
  command: RegExp;
  /** Of the difference, as `differences` words it. */
  line: RegExp;
  reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    command: /^docker exec worker no-such-program$/,
    line: /^exit code 127, not 126$/,
    reason: 'As a shell has it, docker run, and later versions of dockerd; 20.10 says 126 whatever is wrong.',
  },
  {
    command: /^docker login /,
    line: /^err: has (?:WARNING! Your (?:password|credentials)|Configure a credential helper|https:)/,
    reason:
      'Our door needs no login for hosts that Slipway serves itself and gives no token to keep, so the client keeps what was typed.',
  },
  {
    command: /^docker build -t inzynier-ai-live-coding:test \.$/,
    line: /^\[2\/4\] WORKDIR \/app: (?:lacks DONE T|has CACHED)$/,
    reason: 'builder prune leaves alone what a build of the last hour used, here that of another lesson.',
  },
  {
    command: /^docker push \S+\/(?:python|redis):/,
    line: /^out: other ids: .* digest: /,
    reason: 'A FROM alone keeps the digest that its base has upstream: it is provably the same image.',
  },
  {
    command: /^docker build .*\/base\/Dockerfile/,
    line: /^FROM \w+: is missing$/,
    reason: 'A FROM alone fetches nothing and is no step.',
  },
  {
    command: /^docker build /,
    line: /: has (?:T )?not cached: /,
    reason: 'Why a step runs again is said, where docker is silent.',
  },
  {
    command: /^docker build /,
    line: /^out: lacks \d layers: are here$/,
    reason: "A base's layers are fetched when an instruction needs them, and not at all if none does.",
  },
  {
    command: /^docker build \. /,
    line: /^err: has /,
    reason: "Behind docker's words we say which ARG is missing.",
  },
  {
    command: /^docker build /,
    line: /^(?:FROM .*\/mycicd:base|\[5\/5\] RUN echo "pip 23.3.1" > \/pip-version): is missing$/,
    reason: 'Steps are named as the Dockerfile has them, docker puts the values of variables in.',
  },
  {
    command: /^docker build /,
    line: /^(?:FROM \$CI_REGISTRY_IMAGE:\$CI_REGISTRY_TAG|\[5\/5\] RUN echo "pip \$PYTHON_PIP_VERSION" > \/pip-version): is new$/,
    reason: 'As above.',
  },
  {
    command: /^docker load --quiet --input note$/,
    line: /^err: /,
    reason: 'We say what is wrong with the archive, and what can be done.',
  },
];
