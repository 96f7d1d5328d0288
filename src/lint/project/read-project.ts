import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { defaultIgnoreText, parseIgnoreFile } from '../../builds/sources/gcloudignore.ts';
import { parseIgnore } from '../../dockerfile/ignore.ts';
import { parseDockerfile } from '../../dockerfile/stages.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { readBuildConfig } from './build-config.ts';
import { readCiConfig } from './ci-config.ts';
import { callsOfCi, callsOfConfig } from './docker-calls.ts';
import type { DockerfileText, Dockerignore, Gcloudignore, LintProject } from './project.ts';

/** Folders of tools: nobody writes configs there, and they hold tens of thousands of files. */
const SKIPPED = new Set(['.git', '.hg', '.svn', 'node_modules', '.venv', 'venv', '__pycache__', '.terraform', '.tox']);
const MAX_FILES = 50_000;
/** Bytes; a longer file is none of those that are looked at. */
const MAX_TEXT = 1 << 20;

const CONFIG = /^(?:.*[._-])?cloudbuild[\w.-]*\.(?:ya?ml|json)$/i;
const EXACT_CONFIG = /^cloudbuild\.(?:ya?ml|json)$/;
const DOCKERFILE = /^(?:Dockerfile(?:[._-].*)?|.*\.Dockerfile|Containerfile)$/i;
const NO_DOCKERFILE = /\.(?:dockerignore|md|txt|sh|py|in|j2|jinja2?|tmpl|tpl|template|erb|mustache|m4|orig|bak)$/i;
const CI = '.gitlab-ci.yml';

/** Reads a folder for the rules. @throws Problem `not-found` when it isn't one */
export async function readProject(folder: string): Promise<LintProject> {
  const { files, complete } = await listFiles(folder);
  const read = async (file: string) => {
    const bytes = await readFile(join(folder, file));
    return bytes.length > MAX_TEXT ? undefined : bytes.toString('utf8').replace(/^\uFEFF/, '');
  };
  const named = (pattern: RegExp) => [...files].filter((file) => pattern.test(posix.basename(file))).sort();
  const problems: Problem[] = [];
  const configs = [];
  for (const file of named(CONFIG)) {
    const text = await read(file);
    // a name that only resembles one may be anything
    const build = EXACT_CONFIG.test(posix.basename(file)) || /^[\s{]*["']?steps["']?\s*:/m.test(text ?? '');
    if (text !== undefined && build) configs.push(readBuildConfig(text, file));
  }
  const dockerfiles = new Map<string, DockerfileText>();
  for (const file of named(DOCKERFILE)) {
    const text = NO_DOCKERFILE.test(file) ? undefined : await read(file);
    if (text !== undefined) dockerfiles.set(file, { file, text, ...parsed(text, file) });
  }
  const dockerignores = new Map<string, Dockerignore>();
  for (const file of named(/\.dockerignore$/)) {
    const text = await read(file);
    const rules = text === undefined ? undefined : gathered(problems, () => parseIgnore(text, file));
    if (text !== undefined && rules !== undefined) dockerignores.set(file, { file, text, rules });
  }
  const ciText = files.has(CI) ? await read(CI) : undefined;
  const ci = ciText === undefined ? undefined : readCiConfig(ciText, CI);
  const calls = [...configs.flatMap(callsOfConfig), ...(ci === undefined ? [] : callsOfCi(ci))];
  const gcloudignore = await readGcloudignore(folder, files, read, problems);
  return { files, complete, configs, dockerfiles, dockerignores, gcloudignore, ci, calls, problems };
}

function parsed(text: string, file: string): Pick<DockerfileText, 'parsed' | 'problem'> {
  try {
    return { parsed: parseDockerfile(text, file), problem: undefined };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { parsed: undefined, problem: error };
  }
}

function gathered<T>(problems: Problem[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

/** As `gcloud builds submit` chooses: the folder's own list, or what git ignores, or nothing. */
async function readGcloudignore(
  folder: string,
  files: ReadonlySet<string>,
  read: (file: string) => Promise<string | undefined>,
  problems: Problem[],
): Promise<Gcloudignore | undefined> {
  const own = files.has('.gcloudignore');
  if (!own && !files.has('.gitignore') && !(await isFolder(join(folder, '.git')))) return undefined;
  const text = own ? ((await read('.gcloudignore')) ?? '') : defaultIgnoreText(files.has('.gitignore'));
  const texts = new Map([['.gcloudignore', text]]);
  try {
    const rules = await parseIgnoreFile(text, '.gcloudignore', async (name) => {
      const included = files.has(name) ? await read(name) : undefined;
      if (included !== undefined) texts.set(name, included);
      return included;
    });
    return { rules, texts };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}

/** Links are named and not followed: what they lead to may lie anywhere. */
async function listFiles(root: string): Promise<{ files: Set<string>; complete: boolean }> {
  const files = new Set<string>();
  const folders = ['.'];
  for (const folder of folders) {
    for (const entry of await entriesOf(join(root, folder), folder === '.')) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) folders.push(path);
      } else if (entry.isFile() || entry.isSymbolicLink()) files.add(path);
      if (files.size >= MAX_FILES) return { files, complete: false };
    }
  }
  return { files, complete: true };
}

async function entriesOf(path: string, isRoot: boolean): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (!isRoot) return []; // gone meanwhile, or not ours to read
    if (hasErrorCode(error, 'ENOTDIR'))
      throw new Problem('invalid', `${path} is a file: files are looked at together, in their folder`, {
        hint: `Name the folder: slipway lint ${dirname(path)}`,
      });
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new Problem('not-found', `no such folder: ${path}`, {
      hint: 'Name the folder of the sources: slipway lint DIR.',
    });
  }
}
