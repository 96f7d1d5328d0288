import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';
import { messageOf, Problem } from '../lib/problem.ts';

const file = new URL('../../../shared/corpora/buildkit-cases/dockerfile-frontend-tests.json', import.meta.url);

interface Case {
  test: string;
  dockerfiles: string[];
}

/** Tests whose Dockerfiles are wrong on purpose, or were cut into pieces when they were taken out of Go code. */
const REFUSED =
  /Invalid|Errors?|DidYouMean|Suggest|Undefined|NotFound|Frontend|Device|Syntax|Required|Bad|Windows|Unset|testAddGit|CopyFromArgs|TargetsList|OSVersion|CopyChownExistingDir|ExcludedFilesOnCopy/i;

/** Accepted by BuildKit, refused by us for a reason. */
const STRICTER: Record<string, string> = {
  testAllTargetUnmarshal: 'COPY source $bar is empty after substitution',
};

describe.skipIf(!existsSync(file))('BuildKit’s own Dockerfiles (skipped where ../shared is absent)', () => {
  it('are compiled, or refused in our own words', () => {
    const cases: Case[] = JSON.parse(readFileSync(file, 'utf8'));
    const refused: Record<string, string> = {};
    let compiled = 0;
    for (const { test, dockerfiles } of cases) {
      for (const text of dockerfiles) {
        if (/%(?:\[\d\])?[a-z]|\{\{/.test(text) || !/^\s*FROM/im.test(text)) continue;
        try {
          compile(text);
          compiled++;
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          if (!REFUSED.test(test)) refused[test] = messageOf(error);
        }
      }
    }
    expect(refused).toEqual(STRICTER);
    expect(compiled).toBeGreaterThan(350);
  });
});
