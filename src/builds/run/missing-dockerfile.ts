import { posix } from 'node:path';
import { Problem } from '../../lib/problem.ts';
import { parseIgnoreFile } from '../sources/gcloudignore.ts';
import type { StepFiles } from './step-files.ts';

const IGNORE_FILE = '.gcloudignore';
const LIMIT = 1 << 20;

/**
 * Why there is no Dockerfile: nearly always because .gcloudignore kept it out of the upload, which gcloud doesn't notice.
 * When the source has its .gcloudignore, the very line is named.
 * @param path as the step sees it, e.g. `/workspace/deploy/Dockerfile`
 */
export async function missingDockerfile(path: string, files: StepFiles): Promise<Problem> {
  const relative = posix.relative('/workspace', path);
  if (relative.startsWith('..')) return new Problem('not-found', `Dockerfile not found: ${path}`);
  const message = `Dockerfile not found in the uploaded source: ${relative}`;
  const read = (name: string) =>
    files.readSmall(`/workspace/${name}`, LIMIT).then(
      (bytes) => bytes.toString('utf8'),
      () => undefined,
    );
  if ((await files.list('/workspace').catch(() => undefined))?.length === 0)
    return new Problem('not-found', `Dockerfile not found: ${relative}`, {
      hint: '/workspace is empty: the build was submitted without a source, or with an empty one. Name the folder: gcloud builds submit DIR.',
    });
  const text = await read(IGNORE_FILE);
  const rule =
    text === undefined
      ? undefined
      : await parseIgnoreFile(text, IGNORE_FILE, read).then(
          (rules) => rules.excludes(relative),
          () => undefined,
        );
  if (rule !== undefined)
    return new Problem('not-found', message, {
      place: {
        file: rule.file,
        text: rule.file === IGNORE_FILE ? (text ?? '') : ((await read(rule.file)) ?? ''),
        ranges: [{ line: rule.line, column: 1, endLine: rule.line, endColumn: rule.text.length + 1 }],
      },
      hint: `${rule.file}:${rule.line} excludes it. gcloud uploads only what ${IGNORE_FILE} leaves in: remove line ${rule.line} and submit again.`,
    });
  return new Problem('not-found', message, {
    hint: `${await namesakes(relative, files)}If it is there on your machine, ${IGNORE_FILE} (or .gitignore, when there is none) kept it out of the upload: gcloud meta list-files-for-upload shows what goes.`,
  });
}

/** What the folder holds instead, and where else a file of that name lies near the root. */
async function namesakes(relative: string, files: StepFiles): Promise<string> {
  const found: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    for (const { name, info } of await files.list(posix.join('/workspace', folder)).catch(() => [])) {
      const path = posix.join(folder, name);
      if (found.length >= 3) return;
      if (info.kind === 'file' && /^dockerfile/i.test(name)) found.push(path);
      if (info.kind === 'folder' && depth < 3 && name !== 'node_modules' && name !== '.git')
        await visit(path, depth + 1);
    }
  };
  await visit('', 0);
  const others = found.filter((path) => path !== relative);
  return others.length === 0 ? '' : `The source holds ${others.join(', ')}. `;
}
