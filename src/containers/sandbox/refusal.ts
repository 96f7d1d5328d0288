import { readFile } from 'node:fs/promises';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

/**
 * A refusal as a Problem. What the image or the caller got wrong is `invalid`, with the exit codes of a shell: 127 for a
 * program that isn't there, 126 for one that can't be run. Anything else is the machine's trouble.
 */
export function refusal(message: string): Problem {
  if (!/exec: "|chdir to cwd|mounting "/.test(message)) {
    return new Problem('failed', `the container can't be started: ${message}`, {
      hint: '`slipway doctor` says what this machine lacks.',
    });
  }
  return new Problem('invalid', message, { exitCode: /not found|no such file/.test(message) ? 127 : 126 });
}

/** The last error in runc's log; its exit code alone can't be told from the program's. */
export async function refusalIn(log: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(log, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const errors = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level?: string; msg?: string })
    .filter((entry) => entry.level === 'error' || entry.level === 'fatal');
  return errors.at(-1)?.msg?.replace(/^(runc run|exec) failed: /, '');
}
