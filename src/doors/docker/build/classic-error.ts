import { withoutLastLines } from '../../../engine/last-lines.ts';
import { Problem } from '../../../lib/problem.ts';
import { DockerError } from '../errors.ts';

/** What the old builder says of a file that can't be read, without saying where. */
const BARE =
  /^(?:the Dockerfile \(.*\) cannot be empty|no build stage in current context|base name .* should not be blank)/;
/** What its parser says, which doesn't count lines. */
const OF_PARSER =
  /^(?:file with no instructions|.* must have two arguments|Syntax error - |only one .* parser directive|invalid escape token)/;
const OF_TARGET = /^target stage "(.*)" could not be found/;
const OF_COMMAND = /^process (".*") did not complete successfully: exit code: (\d+)$/s;
const OF_SHIM = 'failed to create shim task: OCI runtime create failed: runc create failed: ';
/** What is wrong with the name of a base, without what it was made of. */
const OF_NAME = /base name \(.*\) should not be blank$|invalid reference format(?:: repository name.*)?$/;
const OF_FILE = /^failed to read dockerfile: open (.*): no such file or directory$/;

/**
 * A failure in the words of the old builder, as people search for them, with our own advice behind it.
 * @param phase whether the Dockerfile was still being read
 */
export function classicError(error: unknown, phase: 'reading' | 'building'): unknown {
  if (!(error instanceof Problem)) return error;
  const { code, message, place, hint, exitCode } = error;
  const said = (text: string) => new Problem(code, text, { place, hint, exitCode, cause: error });
  const command = OF_COMMAND.exec(message);
  if (command !== null)
    return withoutLastLines(
      said(`The command '${JSON.parse(command[1] ?? '""')}' returned a non-zero code: ${command[2]}`),
    );
  // dockerd ends with 1 here, since nothing has run
  if (message.startsWith('unable to start container process: '))
    return new Problem(code, `${OF_SHIM}${message}: unknown`, { place, hint, cause: error });
  const name = OF_NAME.exec(message)?.[0];
  if (name !== undefined && name !== message)
    return new Problem(code, name, { place, hint: withHint(message, hint), cause: error });
  const file = OF_FILE.exec(message);
  if (file !== null) return new DockerError(500, withHint(`Cannot locate specified Dockerfile: ${file[1]}`, hint));
  if (phase === 'building') return error;
  const target = OF_TARGET.exec(message);
  if (target !== null)
    return new DockerError(400, withHint(`failed to reach build target ${target[1]} in Dockerfile`, hint));
  if (place === undefined || BARE.test(message) || OF_NAME.test(message)) return error;
  if (OF_PARSER.test(message)) return said(`failed to parse Dockerfile: ${message}`);
  const line = place.ranges[0]?.line;
  return line === undefined || /^invalid reference format/.test(message)
    ? error
    : said(`dockerfile parse error line ${line}: ${message}`);
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}\n${hint}`;
}
