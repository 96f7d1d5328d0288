/** A rule by which a Dockerfile is remarked on. */
interface Rule {
  /** What it is about, in one sentence. */
  about: string;
  /** BuildKit has it, under the same name: it counts for `# check=error=true`. The others are ours and only ever remark. */
  shared: boolean;
  /** Only reported when the file (or the build) asks for it. */
  experimental?: boolean;
}

/** Every rule; docs/dockerfile-checks.md has a row for each. */
export const RULES = {
  ConsistentInstructionCasing: shared('All instructions of a file are written in upper case, or all in lower case'),
  CopyIgnoredFile: shared('COPY and ADD name a file that the ignore file keeps out of the context'),
  DuplicateStageName: shared('Two stages have the same name'),
  ExposeInvalidFormat: shared('EXPOSE takes ports of the container: an address or a port of the host means nothing'),
  ExposeProtoCasing: shared('The protocol in EXPOSE is written in lower case'),
  FromAsCasing: shared('AS is written in the case of its FROM'),
  FromPlatformFlagConstDisallowed: shared('A constant in FROM --platform ties the image to one platform'),
  InvalidBaseImagePlatform: shared('The base image is there for another platform than the one that is built for'),
  InvalidDefaultArgInFrom: shared('Without --build-arg, FROM names no image'),
  InvalidDefinitionDescription: {
    ...shared('A comment right above ARG or FROM describes it and begins with its name'),
    experimental: true,
  },
  JSONArgsRecommended: shared('CMD and ENTRYPOINT in shell form hide signals from the program'),
  LegacyKeyValueFormat: shared('ENV and LABEL are written key=value'),
  MaintainerDeprecated: shared('MAINTAINER has become a label'),
  MultipleInstructionsDisallowed: shared('Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last counts'),
  NoEmptyContinuation: shared('An instruction that goes on has an empty line inside'),
  RedundantTargetPlatform: shared('FROM --platform=$TARGETPLATFORM says what is so anyway'),
  ReservedStageName: shared('scratch and context mean something else than a stage'),
  SecretsUsedInArgOrEnv: shared('The value of an ARG or ENV can be read by whoever has the image'),
  StageNameCasing: shared('Stage names are written in lower case'),
  UndefinedArgInFrom: shared('FROM uses a variable that no ARG above it declares'),
  UndefinedVar: shared('A variable is used that neither ENV nor ARG sets'),
  WorkdirRelativePath: shared('A relative WORKDIR depends on the base image'),
  DestinationNotFolder: own('COPY has several sources and a destination that does not end with a slash'),
  ForwardStageReference: own('A name means an image, although a stage further down is called so'),
  HeredocBackslash: own('Backslashes in an unquoted here-document are removed'),
  JSONArgsInvalid: own('An array that is not valid JSON is read as plain text'),
  MountOptionIgnored: own('An option of --mount means nothing for a mount of its type'),
  StageNameTypo: own('A name means an image, although it is nearly the name of a stage'),
  UnresolvedBase: own('A base image can not be asked what it sets, so less can be checked'),
  UnknownCheck: own('A check option names a rule that does not exist, but nearly does'),
  UnknownStage: own('--no-cache-filter names a stage that the file does not have'),
  UnusedBuildArg: own('A --build-arg is taken by no ARG'),
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

export function ruleOf(name: RuleName): Rule {
  return RULES[name];
}

export const RULE_NAMES = Object.keys(RULES) as RuleName[];

function shared(about: string): Rule {
  return { about, shared: true };
}

function own(about: string): Rule {
  return { about, shared: false };
}
