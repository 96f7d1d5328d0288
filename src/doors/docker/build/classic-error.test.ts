import { expect, it } from 'vitest';
import { Problem, type ProblemOptions } from '../../../lib/problem.ts';
import { failureOf } from '../errors.ts';
import { classicError } from './classic-error.ts';

const place = { file: 'Dockerfile', text: 'x', ranges: [{ line: 2, column: 1, endLine: 2, endColumn: 2 }] };

function said(phase: 'reading' | 'building', message: string, options: ProblemOptions = {}) {
  return failureOf(classicError(new Problem('invalid', message, options), phase));
}

it.each([
  ['unknown instruction: FOO', 'dockerfile parse error line 2: unknown instruction: FOO'],
  ['file with no instructions', 'failed to parse Dockerfile: file with no instructions'],
  ['ENV must have two arguments', 'failed to parse Dockerfile: ENV must have two arguments'],
  ['the Dockerfile (Dockerfile) cannot be empty', 'the Dockerfile (Dockerfile) cannot be empty'],
  ['target stage "x" could not be found', 'failed to reach build target x in Dockerfile'],
])('says what was read as the old builder does: %s', (message, shown) => {
  expect(said('reading', message, { place })).toMatchObject({ status: 400, message: shown });
});

it('says which command failed, with its code, and not again what it printed', () => {
  const hint = 'Its last lines:\nout';
  expect(
    said('building', 'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3', { hint, exitCode: 3 }),
  ).toMatchObject({ message: "The command '/bin/sh -c exit 3' returned a non-zero code: 3", exitCode: 3 });
});

it('says what dockerd says first, and what we know behind it', () => {
  expect(
    said('building', 'FROM is "x:" after substitution: invalid reference format', { place, hint: 'Declare it' }),
  ).toMatchObject({
    message: 'invalid reference format\nFROM is "x:" after substitution: invalid reference format\nDeclare it',
  });
  expect(said('building', 'COPY failed: stat x', { place }).message).toBe('COPY failed: stat x');
  expect(said('reading', 'failed to read dockerfile: open no: no such file or directory', { hint: 'h' })).toMatchObject(
    {
      status: 500,
      message: 'Cannot locate specified Dockerfile: no\nh',
    },
  );
});
