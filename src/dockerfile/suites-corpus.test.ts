import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';
import { messageOf, Problem } from '../lib/problem.ts';

interface Case {
  test: string;
  dockerfiles: string[];
  errorContains: string[];
}

const corpora = new URL('../../../shared/corpora/', import.meta.url);

interface Suite {
  file: string;
  /** Refused, as the suite wants it, where its own words were not kept: by test, how ours begin. */
  refused: Record<string, string[]>;
  /** Accepted by the suite, refused by us for a reason. */
  stricter: Record<string, string[]>;
  /** The mistake shows only when there is a context, a registry or a machine. */
  later: Record<string, string>;
}

const ZEROS = '0'.repeat(64);

/** Such a source is the whole context for BuildKit: nobody means that by a variable that was mistyped or never set. */
const EMPTY_SOURCE = (name: string, instruction = 'COPY') => [
  `${instruction} source ${name} is empty after substitution`,
];

const SUITES: Record<string, Suite> = {
  BuildKit: {
    file: 'buildkit-cases/dockerfile-frontend-tests.json',
    refused: {
      testWarningsBeforeError: ['unknown instruction: BADCMD'],
      testAddChecksum: [
        'invalid checksum "md5:',
        'invalid checksum "unknown:',
        'checksum can only be used with one HTTP(S) or git source',
      ],
      testUndeclaredArg: [
        'empty platform value from expression $BULIDPLATFORM (did you mean BUILDPLATFORM?)',
        'invalid platform "linux/"',
      ],
      testErrorsSourceMap: [
        'ENV requires at least one argument',
        "the front end foobar can't be run",
        'unknown flag: --foo (did you mean from?)',
      ],
      testInvalidDefaultArgInFrom: [
        'FROM is empty after substitution',
        'FROM is "busybox:" after substitution: invalid reference format',
        'FROM is "nanoserver:" after substitution: invalid reference format',
      ],
      testDeviceRunEnv: ['RUN --device=vendor1.com/device=foo,required is not supported'],
    },
    stricter: {
      testAllTargetUnmarshal: EMPTY_SOURCE('$foo'),
      testUnmatchedVars: [...EMPTY_SOURCE('$foo'), ...EMPTY_SOURCE('$DIR_ASSET')],
    },
    later: {
      testAddGit: 'the commit is compared when it has been fetched',
      testFrontendEvaluate: 'the file is looked for in the context',
      testInvalidJSONCommands: 'read as plain text, with a warning; the shell fails',
      testTargetMistype: 'the target is named by the build; see dockerfile-errors/target-unknown',
      testNilContextInSolveGateway: 'has no Dockerfile: about definitions of operations, which we do not take',
      testEmptyStages: 'its Dockerfile was not kept; see dockerfile-errors/only-args',
      testRunHostNetwork: 'refused by the engine, which knows what the build may do',
      testRunGlobalNetwork: 'refused by the engine',
      testInsecureDevicesWhitelist: 'refused by the engine',
      testRunSecurityInsecure: 'refused by the engine',
      testRunSecurityDefault: 'refused by the engine',
      testSecretRequiredWithoutValue: 'the engine asks for the secret',
      testSourceDateEpochDockerfileDefaultInvalid: 'the engine reads the date',
      testSourceDateEpochStageInvalid: 'the engine reads the date; a stage is none',
    },
  },
  'moby’s classic builder': {
    file: 'moby-integration-cli/build-tests.json',
    refused: {
      TestBuildMultiStageCopyFromErrors: [
        'invalid from flag value 0: cannot copy from stage 0 here',
        'invalid name for build stage: "1"',
      ],
      TestBuildEmptyStringVolume: ['VOLUME specified can not be an empty string'],
      TestBuildLineErrorOnBuild: ['ONBUILD requires at least one argument'],
      TestBuildLineErrorUnknownInstruction: ['unknown instruction: NOINSTRUCTION'],
      TestBuildLineErrorWithEmptyLines: ['unknown instruction: NOINSTRUCTION'],
      TestBuildLineErrorWithComments: ['unknown instruction: NOINSTRUCTION'],
    },
    stricter: { TestBuildBuildTimeArgExpansion: EMPTY_SOURCE('${x}', 'ADD') },
    later: {},
  },
};

/** No file: it was cut where Go code puts texts together, or is a template with loops. */
function isPiece(text: string): boolean {
  const cut =
    /(?:^|\s)(?:FROM|VOLUME|ADD|COPY|ARG \w+="?|--keep-git-dir|--checksum=)\s*$/im.test(text) ||
    /^\s*(?:AS\s|;|\/\.git)/im.test(text) ||
    /^\s*RUN/.test(text);
  return cut || !/^\s*FROM\s+\S/im.test(text) || text.includes('{{');
}

/** What the suites format into their texts; a line that is only such a place is left out. */
function filled(text: string): string {
  return text
    .replace(/^\s*%(?:\[\d\])?s\s*$/gm, '')
    .replace(/^%(?:\[\d\])?s(?=[A-Z])/gm, '')
    .replace(/^%s(?= \[)/gm, 'COPY')
    .replace(/^(\s*FROM\s+(?:--\S+\s+)?)%(?:\[\d\])?s/gim, '$1busybox')
    .replace(/--platform=%s/g, '--platform=linux')
    .replace(/(--checksum=(?:\w+:)?|ENV DIGEST=)%(?:\[\d\])?s/g, (_, front: string) =>
      front.endsWith(':') ? `${front}${ZEROS}` : `${front}sha256:${ZEROS}`,
    )
    .replace(/^(\s*ADD\s(?:[^{\n]*\s)?|ENV LINK=)%(?:\[\d\])?s/gim, '$1http://example.com/x')
    .replace(/%(?:\[\d\])?[sv]/g, 'x')
    .replace(/%(?:\[\d\])?d/g, '1')
    .replace(/%(?:\[\d\])?q/g, '"x"');
}

describe.skipIf(!existsSync(corpora))('the Dockerfiles of other suites (skipped where ../shared is absent)', () => {
  it.each(Object.entries(SUITES))('%s', (name, suite) => {
    const cases: Case[] = JSON.parse(readFileSync(new URL(suite.file, corpora), 'utf8'));
    const count = { compiled: 0, 'refused as wanted': 0, stricter: 0, 'not whole': 0 };
    const surprises: string[] = [];
    const unused = new Set([suite.refused, suite.stricter, suite.later].flatMap(Object.keys));
    for (const { test, dockerfiles, errorContains } of cases) {
      let refusals = 0;
      for (const [i, written] of dockerfiles.entries()) {
        if (isPiece(written)) {
          count['not whole']++;
          continue;
        }
        const said = refusalOf(filled(written));
        if (said === undefined) {
          count.compiled++;
          continue;
        }
        refusals++;
        const begins = (words: string[] = []) => words.some((beginning) => said.startsWith(beginning));
        if (begins(suite.refused[test]) || errorContains.some((wanted) => said.includes(wanted)))
          count['refused as wanted']++;
        else if (begins(suite.stricter[test])) count.stricter++;
        else surprises.push(`${test} #${i}: ${said}`);
        unused.delete(test);
      }
      if (errorContains.length > 0 && refusals === 0 && !(test in suite.later)) surprises.push(`${test}: not refused`);
      if (test in suite.later) unused.delete(test);
    }
    console.log(`${name}: ${JSON.stringify(count)}`);
    expect(surprises).toEqual([]);
    expect([...unused]).toEqual([]);
  });
});

/** Undefined when every stage compiles. */
function refusalOf(file: string): string | undefined {
  const stages = file.split('\n').filter((line) => /^\s*FROM\s/i.test(line)).length;
  try {
    compile(file, { targets: Array.from({ length: stages }, (_, index) => String(index)) });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return messageOf(error);
  }
}
