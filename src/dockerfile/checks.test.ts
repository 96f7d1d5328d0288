import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';
import type { RunConfig } from '../images/config.ts';
import { applyEdits } from './checks/fix.ts';
import { RULE_NAMES } from './checks/rules.ts';
import type { Warning } from './checks/warnings.ts';

interface Case {
  /** Begins on line 1. */
  file: string;
  args?: Record<string, string>;
  base?: RunConfig;
  /** `rule line message`, in the order of the file; nothing for a file that is as it should be. */
  says: string[];
}

function warningsOf({ file, args = {}, base }: Omit<Case, 'says'>): Warning[] {
  const stages = file.split('\n').filter((line) => /^\s*from\s/i.test(line)).length;
  const targets = Array.from({ length: stages }, (_, index) => String(index));
  const { plan, programs } = compile(file, { targets, buildArgs: args, ...(base && { base }) });
  const all = [...plan.warnings, ...[...programs.values()].flatMap((program) => program.warnings)];
  return all.sort((a, b) => (a.place.ranges[0]?.line ?? 0) - (b.place.ranges[0]?.line ?? 0));
}

function saidOf(test: Omit<Case, 'says'>): string[] {
  return warningsOf(test).map(({ rule, message, place }) => `${rule} ${place.ranges[0]?.line} ${message}`);
}

/** What BuildKit's own tests of these rules look at, in Dockerfiles of ours. */
const CASES: Record<string, Case> = {
  'StageNameCasing: a name with capitals': {
    file: 'FROM scratch AS Web\nFROM web AS api',
    says: ["StageNameCasing 1 Stage name 'Web' should be lowercase"],
  },
  'FromAsCasing: as below FROM': {
    file: 'FROM scratch as one\nFROM scratch AS two',
    says: ["FromAsCasing 1 'as' and 'FROM' keywords' casing do not match"],
  },
  'FromAsCasing: AS below from': {
    file: 'from scratch AS one\nfrom scratch as two',
    says: ["FromAsCasing 1 'AS' and 'from' keywords' casing do not match"],
  },
  'ConsistentInstructionCasing: mixed case': {
    file: 'From scratch as one\nFROM scratch AS two',
    says: ["ConsistentInstructionCasing 1 Command 'From' should match the case of the command majority (uppercase)"],
  },
  'ConsistentInstructionCasing: mixed case among lower case': {
    file: 'frOM scratch as one\nfrom scratch as two',
    says: ["ConsistentInstructionCasing 1 Command 'frOM' should match the case of the command majority (lowercase)"],
  },
  'ConsistentInstructionCasing: upper case wins a draw': {
    file: 'FROM scratch\ncopy a /\nCOPY a /\nuser 1',
    says: [
      "ConsistentInstructionCasing 2 Command 'copy' should match the case of the command majority (uppercase)",
      "ConsistentInstructionCasing 4 Command 'user' should match the case of the command majority (uppercase)",
    ],
  },
  'ConsistentInstructionCasing: one of many in lower case': {
    file: 'from scratch\ncopy a /\nCOPY b /',
    says: ["ConsistentInstructionCasing 3 Command 'COPY' should match the case of the command majority (lowercase)"],
  },
  'ConsistentInstructionCasing: ARG above FROM counts': {
    file: 'arg A=1\nFROM scratch\nCOPY a /',
    says: ["ConsistentInstructionCasing 1 Command 'arg' should match the case of the command majority (uppercase)"],
  },
  'ConsistentInstructionCasing: all lower': { file: 'from scratch\ncopy a /', says: [] },
  'NoEmptyContinuation: once for an instruction': {
    file: 'FROM scratch\nCOPY a \\\n\n# why\n\n/\nCOPY a \\\n/',
    says: ['NoEmptyContinuation 3 Empty continuation line'],
  },
  'DuplicateStageName: the later one': {
    file: 'FROM scratch AS b\nFROM scratch AS c\nFROM scratch AS B',
    says: [
      "StageNameCasing 3 Stage name 'B' should be lowercase",
      'DuplicateStageName 3 Duplicate stage name "b", stage names should be unique',
    ],
  },
  'ReservedStageName: both of them': {
    file: 'FROM scratch AS scratch\nFROM scratch AS context\nFROM scratch AS other',
    says: [
      'ReservedStageName 1 Stage name should not use the same name as reserved stage "scratch"',
      'ReservedStageName 2 Stage name should not use the same name as reserved stage "context"',
    ],
  },
  'JSONArgsRecommended: CMD and ENTRYPOINT': {
    file: 'FROM scratch\nCMD run it\nENTRYPOINT run it',
    says: [
      'JSONArgsRecommended 2 JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
      'JSONArgsRecommended 3 JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
    ],
  },
  'JSONArgsRecommended: not where SHELL was set, here or above': {
    file: 'FROM scratch AS a\nSHELL ["/bin/bash", "-c"]\nCMD run\nFROM a\nENTRYPOINT run',
    says: [],
  },
  'JSONArgsRecommended: nor where the base sets it': {
    file: 'FROM windows\nCMD run',
    base: { Shell: ['cmd', '/S', '/C'] },
    says: [],
  },
  'MaintainerDeprecated: the instruction, not the label': {
    file: 'FROM scratch\nMAINTAINER me\nLABEL org.opencontainers.image.authors="me"',
    says: ['MaintainerDeprecated 2 Maintainer instruction is deprecated in favor of using label'],
  },
  'UndefinedArgInFrom: of a platform, with a suggestion': {
    file: 'ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH}amd64 scratch',
    says: ["UndefinedArgInFrom 2 FROM argument 'MYARCH' is not declared (did you mean MY_ARCH?)"],
  },
  'UndefinedArgInFrom: of a tag that is right without it': {
    file: 'ARG tag=1\nFROM debian:${tag}${version}',
    says: ["UndefinedArgInFrom 2 FROM argument 'version' is not declared"],
  },
  'UndefinedArgInFrom: not when declared, given or foreseen': {
    file: 'ARG A\nARG B=x\nFROM debian${A}\nFROM ${B}\nFROM deb${C:-ian}\nFROM --platform=$BUILDPLATFORM debian',
    says: [],
  },
  'InvalidDefaultArgInFrom: no tag without the argument': {
    file: 'ARG VERSION\nFROM debian:$VERSION',
    args: { VERSION: '12' },
    says: [
      'InvalidDefaultArgInFrom 2 Default value for ARG debian:$VERSION results in empty or invalid base image name',
    ],
  },
  'InvalidDefaultArgInFrom: no name at all': {
    file: 'ARG IMAGE\nFROM $IMAGE',
    args: { IMAGE: 'debian' },
    says: ['InvalidDefaultArgInFrom 2 Default value for ARG $IMAGE results in empty or invalid base image name'],
  },
  'InvalidDefaultArgInFrom: a default that leaves a colon': {
    file: 'ARG END="ian:"\nFROM deb${END}',
    args: { END: 'ian' },
    says: ['InvalidDefaultArgInFrom 2 Default value for ARG deb${END} results in empty or invalid base image name'],
  },
  'InvalidDefaultArgInFrom: not where nothing is lacking': {
    file: 'ARG V=12\nARG VARIANT=""\nARG SUFFIX\nFROM debian:$V\nFROM debian:12$VARIANT\nFROM debian:12$SUFFIX',
    says: [],
  },
  'RedundantTargetPlatform: with and without braces': {
    file: 'FROM --platform=$TARGETPLATFORM scratch\nFROM --platform=${TARGETPLATFORM} scratch\nFROM --platform=$BUILDPLATFORM scratch',
    says: [
      'RedundantTargetPlatform 1 Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
      'RedundantTargetPlatform 2 Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior',
    ],
  },
  'FromPlatformFlagConstDisallowed: not for a stage that is named so': {
    file: 'FROM --platform=linux/amd64 scratch\nFROM --platform=linux/amd64 scratch AS for_amd64\nFROM --platform=linux/amd64 scratch AS linux',
    says: ['FromPlatformFlagConstDisallowed 1 FROM --platform flag should not use constant value "linux/amd64"'],
  },
  'UndefinedVar: before its ARG, or nearly another': {
    file: 'FROM debian\nCOPY x$after_this /\nARG after_this=1\nARG DIR_ASSETS=a\nCOPY x$DIR_ASSET /\nENV PATH=$PAHT:/bin',
    says: [
      "UndefinedVar 2 Usage of undefined variable '$after_this'",
      "UndefinedVar 5 Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)",
      "UndefinedVar 6 Usage of undefined variable '$PAHT' (did you mean $PATH?)",
    ],
  },
  'UndefinedVar: not of an ARG without a value, of a parent stage, or of the base': {
    file: 'FROM debian AS a\nARG foo\nARG bar=x\nCOPY x$foo /\nFROM a\nCOPY $bar /\nCOPY x$HOME /\nRUN echo $nobody',
    base: { Env: ['HOME=/root'] },
    says: [],
  },
  'UndefinedVar: a global ARG is not the stage’s': {
    file: 'ARG V=1\nFROM scratch\nLABEL v=$V',
    says: ["UndefinedVar 3 Usage of undefined variable '$V'"],
  },
  'WorkdirRelativePath: only the first': {
    file: 'FROM scratch\nWORKDIR app/\nWORKDIR src',
    says: ['WorkdirRelativePath 2 Relative workdir "app/" can have unexpected results if the base image changes'],
  },
  'WorkdirRelativePath: not on a stage with an absolute one': {
    file: 'FROM scratch AS a\nWORKDIR /app\nFROM a AS b\nFROM b\nWORKDIR src/',
    says: [],
  },
  'WorkdirRelativePath: also on a base that has one': {
    file: 'FROM debian\nWORKDIR src',
    base: { WorkingDir: '/app' },
    says: ['WorkdirRelativePath 2 Relative workdir "src" can have unexpected results if the base image changes'],
  },
  'MultipleInstructionsDisallowed: every one but the last': {
    file: 'FROM scratch\nCMD ["a"]\nHEALTHCHECK CMD ["a"]\nCMD ["b"]\nHEALTHCHECK NONE\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]\nCMD ["c"]',
    says: [2, 3, 4, 6].map(
      (line, i) =>
        `MultipleInstructionsDisallowed ${line} Multiple ${['CMD', 'HEALTHCHECK', 'CMD', 'ENTRYPOINT'][i]} instructions should not be used in the same stage because only the last one will be used`,
    ),
  },
  'MultipleInstructionsDisallowed: not across stages': {
    file: 'FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]',
    says: [],
  },
  'LegacyKeyValueFormat: ENV and LABEL': {
    file: 'FROM scratch\nENV one value of it\nLABEL two value\nENV three=value\nLABEL four=value',
    says: [
      'LegacyKeyValueFormat 2 "ENV key=value" should be used instead of legacy "ENV key value" format',
      'LegacyKeyValueFormat 3 "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ],
  },
  'SecretsUsedInArgOrEnv: a word of the name tells': {
    file: 'FROM scratch\nARG SECRET_PHRASE\nENV a_Secret=1 password=2 sunflower=3\nARG my_token_here auth=x\nENV apikey=x git_key=',
    says: [
      'SecretsUsedInArgOrEnv 2 Do not use ARG or ENV instructions for sensitive data (ARG "SECRET_PHRASE")',
      'SecretsUsedInArgOrEnv 3 Do not use ARG or ENV instructions for sensitive data (ENV "a_Secret")',
      'SecretsUsedInArgOrEnv 3 Do not use ARG or ENV instructions for sensitive data (ENV "password")',
      'SecretsUsedInArgOrEnv 4 Do not use ARG or ENV instructions for sensitive data (ARG "my_token_here")',
      'SecretsUsedInArgOrEnv 4 Do not use ARG or ENV instructions for sensitive data (ARG "auth")',
      'SecretsUsedInArgOrEnv 5 Do not use ARG or ENV instructions for sensitive data (ENV "apikey")',
      'SecretsUsedInArgOrEnv 5 Do not use ARG or ENV instructions for sensitive data (ENV "git_key")',
    ],
  },
  'SecretsUsedInArgOrEnv: not what is public, a file or a version, nor part of a word': {
    file: 'FROM scratch\nENV PUBLIC_KEY=x secret_File=y\nARG public_token\nARG SECRET_FILE AUTH_MODULE_VERSION\nENV KEYBOARD=de',
    says: [],
  },
  'ExposeProtoCasing: each word': {
    file: 'FROM scratch\nEXPOSE 80/TcP 81/TCP 82/udp 83',
    says: [
      "ExposeProtoCasing 2 Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
      "ExposeProtoCasing 2 Defined protocol '81/TCP' in EXPOSE instruction should be lowercase",
    ],
  },
  'ExposeInvalidFormat: addresses and ports of the host': {
    file: 'FROM scratch\nEXPOSE 127.0.0.1:80:80 [::1]:81:81 82:82 83',
    says: ['127.0.0.1:80:80', '[::1]:81:81', '82:82'].map(
      (word) =>
        `ExposeInvalidFormat 2 EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`,
    ),
  },
  'InvalidDefinitionDescription: only when it is asked for': { file: '# a word\nARG foo=1\nFROM scratch', says: [] },
  'InvalidDefinitionDescription: ARG, FROM, and several names': {
    file: '# check=experimental=InvalidDefinitionDescription\n\n# bar this\nARG foo=1\n# Base with capitals\nFROM scratch AS base\n# anything\nARG one two',
    says: [
      'InvalidDefinitionDescription 4 Comment for ARG should follow the format: `# foo <description>`',
      'InvalidDefinitionDescription 6 Comment for FROM should follow the format: `# base <description>`',
      'InvalidDefinitionDescription 8 Comment for ARG should follow the format: `# <arg_key> <description>`',
    ],
  },
  'InvalidDefinitionDescription: right, empty, separated, or above something else': {
    file: '# check=experimental=all\n# foo is it\nARG foo=1\n# base is it\nFROM scratch AS base\n#\nARG a\n# loose\n\nARG b\n# copies\nCOPY x /\n# unnamed\nFROM scratch',
    says: [],
  },
};

describe('checks', () => {
  it.each(Object.entries(CASES))('%s', (_, test) => {
    expect(saidOf(test)).toEqual(test.says);
  });

  it('has one less to say where a machine has mended it', () => {
    let mended = 0;
    for (const test of Object.values(CASES)) {
      const alike = (warning: Warning, file: string) =>
        warningsOf({ ...test, file }).filter(({ message }) => message === warning.message).length;
      for (const warning of warningsOf(test)) {
        const edits = warning.fix?.edits;
        if (edits === undefined) continue;
        mended++;
        expect(alike(warning, applyEdits(test.file, edits))).toBe(alike(warning, test.file) - 1);
      }
    }
    expect(mended).toBeGreaterThan(30);
  });

  it('always says what to do', () => {
    for (const test of Object.values(CASES))
      for (const { fix } of warningsOf(test)) expect(fix?.text.length).toBeGreaterThan(5);
  });

  it('are cases of every rule that needs the text alone', () => {
    const shown = new Set(Object.keys(CASES).map((name) => name.split(':')[0]));
    const elsewhere = ['CopyIgnoredFile', 'InvalidBaseImagePlatform'];
    const ours = RULE_NAMES.slice(RULE_NAMES.indexOf('DestinationNotFolder'));
    expect(RULE_NAMES.filter((name) => !shown.has(name) && !elsewhere.includes(name))).toEqual(ours);
    expect(RULE_NAMES.length - ours.length).toBe(22);
  });
});

describe('which checks are wanted', () => {
  const rules = (file: string) => warningsOf({ file }).map(({ rule }) => rule);
  const BODY = 'FROM scratch as base\ncopy Dockerfile .';

  it('is said at the top of the file', () => {
    expect(rules(BODY)).toEqual(['FromAsCasing', 'ConsistentInstructionCasing']);
    expect(rules(`#check=skip=all\n${BODY}`)).toEqual([]);
    expect(rules(`# check=skip=FromAsCasing,ConsistentInstructionCasing;error=true\n${BODY}`)).toEqual([]);
    expect(rules(`# check=error=false;skip=FromAsCasing // for now\n${BODY}`)).toEqual(['ConsistentInstructionCasing']);
  });

  it('or above one instruction, for it alone', () => {
    const file =
      'FROM scratch\n# why\n# check=skip=SecretsUsedInArgOrEnv // not a real one\nENV password=x\nENV password=x';
    expect(saidOf({ file })).toHaveLength(1);
    expect(saidOf({ file })[0]).toContain('SecretsUsedInArgOrEnv 5');
    expect(rules('FROM scratch\n# check=skip=all\nCMD a\n\n# check=skip=all\n\nWORKDIR x')).toEqual([
      'WorkdirRelativePath',
    ]);
  });

  it('or with the build, which wins over the file', () => {
    const file = `# check=skip=all\n${BODY}`;
    expect(
      compile(file, { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'skip=FromAsCasing' } }).plan.warnings.map(
        ({ rule }) => rule,
      ),
    ).toEqual(['ConsistentInstructionCasing']);
  });

  it('names a rule that nearly exists', () => {
    expect(saidOf({ file: `# check=skip=FromAsCasin,Unheard\n${BODY}` })[0]).toBe(
      'UnknownCheck 1 no check is called FromAsCasin (did you mean FromAsCasing?)',
    );
  });

  it.each(['skip', 'skip=a;x=1', 'error=perhaps', 'skip=A;;'])('refuses %s', (value) => {
    expect(() => rules(`# check=${value}\n${BODY}`)).toThrow(/check option/);
    expect(() => rules(`FROM scratch\n# check=${value}\nCMD x`)).toThrow(/check option/);
  });
});
