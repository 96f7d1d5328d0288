import { formatBytes } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { parseVersionName, versionName } from '../../stores/secrets/secret-names.ts';
import type { SecretReader } from '../../stores/secrets/secrets.ts';
import type { Build } from '../build.ts';
import { projectNumber } from '../project-number.ts';
import { BuildFailure } from '../run/failure.ts';

/** Values of a build's secrets by the variable that carries them (`availableSecrets`); they live in its process alone. */
export type BuildSecrets = ReadonlyMap<string, string>;

/** Of all secrets of a build: the mask of its log holds some hundred bytes for each sixteen. */
const MOST_BYTES = 1 << 20;

/**
 * Fetches what `availableSecrets` names, before anything of the build runs.
 * @throws BuildFailure when there is no such secret or version, when it is another project's, or when no variable can hold it
 */
export async function resolveSecrets(build: Build, reader: SecretReader): Promise<BuildSecrets> {
  const values = new Map<string, string>();
  let bytes = 0;
  for (const { versionName: name, env } of build.availableSecrets?.secretManager ?? []) {
    const value = await read(name, build, reader);
    bytes += value.length;
    if (bytes > MOST_BYTES)
      throw new BuildFailure(
        'FAILURE',
        'FAILURE_TYPE_UNSPECIFIED',
        `the secrets of this build are longer than ${formatBytes(MOST_BYTES)} together`,
        { advice: 'Keep large files in a bucket, encrypted with a key that is the secret.' },
      );
    values.set(env, value);
  }
  return values;
}

async function read(text: string, build: Build, reader: SecretReader): Promise<string> {
  try {
    const { project, secret, version } = parseVersionName(text);
    if (project !== build.projectId && project !== projectNumber(build.projectId))
      throw new Problem('denied', `it belongs to another project; this build runs in ${build.projectId}`, {
        hint: `Keep the value in ${build.projectId} as well: slipway secret create ${secret} --project ${build.projectId}`,
      });
    const name = { project: build.projectId, secret };
    const { payload, version: number } = await reader.access(name, version, `build:${build.id}`);
    return textOf(Buffer.from(payload, 'base64'), versionName(name, number));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new BuildFailure(
      'FAILURE',
      'FAILURE_TYPE_UNSPECIFIED',
      `failed to access secret version ${text}: ${error.message}`,
      { advice: error.hint, cause: error },
    );
  }
}

/** A variable of a process is text without zero bytes (environ(7)); anything else would arrive changed. */
function textOf(bytes: Buffer, name: string): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\0') && Buffer.from(text).equals(bytes)) return text;
  throw new Problem('invalid', `${name} holds bytes that no environment variable can carry`, {
    hint: 'Keep it in base64, and let the step decode it: base64 FILE | slipway secret add NAME',
  });
}
