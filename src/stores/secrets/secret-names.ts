import { Problem } from '../../lib/problem.ts';
import type { SecretName } from './secrets.ts';

const SECRET = /^[A-Za-z0-9_-]{1,255}$/;
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
const MAX_LABELS = 64;
const VERSION_NAME = /^projects\/([^/]+)\/secrets\/([^/]+)\/versions\/([^/]+)$/;

/** @throws Problem `invalid` */
export function validateSecretName({ secret }: SecretName): void {
  if (SECRET.test(secret)) return;
  throw new Problem('invalid', `${JSON.stringify(secret)} is no name of a secret`, {
    hint: 'It may have 1 to 255 letters, digits, dashes and underscores.',
  });
}

/** @throws Problem `invalid` */
export function validateLabels(labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  const bad = entries.find(([key, value]) => !LABEL_KEY.test(key) || !LABEL_VALUE.test(value));
  if (bad !== undefined || entries.length > MAX_LABELS)
    throw new Problem('invalid', bad === undefined ? 'too many labels' : `bad label ${JSON.stringify(bad.join('='))}`, {
      hint: `A secret has ${MAX_LABELS} labels at most, of lower-case letters, digits, dashes and underscores, each up to 63.`,
    });
}

/** A version's number as it stands in a name, or `latest`. @throws Problem `invalid` */
export function parseVersion(text: string): number | 'latest' {
  if (text === 'latest') return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Problem('invalid', `${JSON.stringify(text)} is no version of a secret`, {
    hint: 'Versions are numbers from 1, or latest.',
  });
}

/** `projects/P/secrets/S/versions/V`, as `availableSecrets` has it. @throws Problem `invalid` */
export function parseVersionName(text: string): SecretName & { version: number | 'latest' } {
  const [, project, secret, version] = VERSION_NAME.exec(text) ?? [];
  if (project === undefined || secret === undefined || version === undefined)
    throw new Problem('invalid', `${JSON.stringify(text)} does not name a version of a secret`, {
      hint: 'Write projects/PROJECT/secrets/SECRET/versions/VERSION, where VERSION is a number or latest.',
    });
  validateSecretName({ project, secret });
  return { project, secret, version: parseVersion(version) };
}

/** As `parseVersionName` reads it. */
export function versionName({ project, secret }: SecretName, version: number | 'latest'): string {
  return `projects/${project}/secrets/${secret}/versions/${version}`;
}
