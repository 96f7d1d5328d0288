import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildCase } from './build-case.ts';

/** Dockerfiles that other builders test themselves by; a checkout doesn't have them. */
const CORPORA = join(import.meta.dirname, '../../../shared/corpora');
export const hasCorpora = existsSync(join(CORPORA, 'buildkit-cases'));

/** Names that stand for our busybox in them. */
export const ALIASES = [
  ...['busybox', 'alpine', 'ubuntu', 'debian', 'busybox:latest', 'alpine:latest', 'debian:latest', 'ubuntu:latest'],
  ...['ubuntu:focal', 'debian:10.13', 'debian:12', 'debian:9.11', 'alpine:3.8', 'alpine:3.11', 'busybox:1.31'],
  ...['busybox:glibc', 'busybox:musl', 'alpine:3.7', 'debian:bullseye-slim', 'debian:buster-slim', 'ubuntu:18.04'],
];

/** One Dockerfile of a corpus. */
export interface CorpusEntry {
  corpus: 'buildkit' | 'moby' | 'buildah' | 'kaniko';
  name: string;
  text: string;
  /** What its test looks for in an error, of which Dockerfile of the test we don't know. */
  errors: readonly string[];
  /** A context that came with it, and the Dockerfile's path in there; else one is made up for what the text copies. */
  given?: { context: string; file: string };
  /** Why it is not built here. */
  skip: string | undefined;
}

export function readCorpora(): CorpusEntry[] {
  if (!hasCorpora) return [];
  return [
    ...fromTests('buildkit', join(CORPORA, 'buildkit-cases/dockerfile-frontend-tests.json')),
    ...fromTests('moby', join(CORPORA, 'moby-integration-cli/build-tests.json')),
    ...readdirSync(join(CORPORA, 'buildah-bud/bud')).flatMap((name) => fromFolder(name)),
    ...readdirSync(join(CORPORA, 'kaniko-dockerfiles/dockerfiles')).map((name) =>
      fromFile('kaniko', name, join(CORPORA, 'kaniko-dockerfiles'), `dockerfiles/${name}`),
    ),
  ];
}

interface TestExtract {
  test: string;
  dockerfiles: string[];
  errorContains: string[];
}

function fromTests(corpus: 'buildkit' | 'moby', path: string): CorpusEntry[] {
  const tests = JSON.parse(readFileSync(path, 'utf8')) as TestExtract[];
  return tests.flatMap(({ test, dockerfiles, errorContains }) =>
    dockerfiles.map((text, i) => ({
      corpus,
      name: dockerfiles.length === 1 ? test : `${test} ${i + 1}`,
      text,
      errors: errorContains,
      skip: whyNot(text),
    })),
  );
}

function fromFolder(folder: string): CorpusEntry[] {
  const context = join(CORPORA, 'buildah-bud/bud', folder);
  return readdirSync(context, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(?:Dockerfile|Containerfile)/.test(entry.name))
    .filter(({ name }) => !/ignore$|\.in$/.test(name))
    .map(({ name }) => fromFile('buildah', `${folder}/${name}`, context, name));
}

function fromFile(corpus: 'buildah' | 'kaniko', name: string, context: string, file: string): CorpusEntry {
  const text = readFileSync(join(context, file), 'utf8');
  return { corpus, name, text, errors: [], given: { context, file }, skip: whyNot(text) };
}

const REASONS: [RegExp, string][] = [
  [/%(?:\[\d\])?[sdvq]/, 'has a placeholder of the program that it was taken from'],
  [/windowsservercore|nanoserver|powershell|^\s*RUN cmd|servercore|[cC]:\\/m, 'needs Windows'],
  [/^\s*(?:ADD|COPY|FROM|RUN)\b.*(?:https?:\/\/|git@|git:\/\/|\bwget\b|\bcurl\b|\bping\b)/im, 'needs the network'],
  [
    /\b(?:apk|apt-get|apt|yum|dnf|microdnf|gcc|python3?|node|npm|bash|useradd|adduser|addgroup|groupadd|usermod|getfattr|setcap|getcap|go build|go run|make|install -|ssh-add|nginx|strace|mkisofs|rpm|capsh|gpg)\b/,
    'needs a program that busybox lacks',
  ],
  [/\bgcr\.io\/kaniko-test|\bsleep \d{3,}|infinity/, 'needs an image of its own'],
  [/^#\s*syntax\s*=/m, 'names a frontend, which docker 20.10 fetches from the network'],
  [/--mount=[^\s]*type=(?:ssh|secret)|security=insecure|--device|type=ssh/, 'needs secrets or rights from outside'],
];

function whyNot(text: string): string | undefined {
  if (!/^\s*FROM\s+\S/im.test(text)) return 'is a part of a Dockerfile only';
  for (const [pattern, reason] of REASONS) if (pattern.test(text)) return reason;
  const stages = [...text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*\S+\s+AS\s+(\S+)/gim)].map(([, name = '']) =>
    name.toLowerCase(),
  );
  const known = new Set([...ALIASES, ...stages, 'scratch']);
  const bases = [...text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim)].map(([, name = '']) => name);
  const from = [...text.matchAll(/(?:--from=|[,=]from=)([^\s,]+)/g)].map(([, name = '']) => name);
  for (const name of [...bases, ...from]) {
    const plain = name.replace(/^["']|["']$/g, '');
    if (plain.includes('$') || /^\d+$/.test(plain) || known.has(plain.toLowerCase())) continue;
    if (/^[a-z0-9./:_-]+$/.test(plain) && /[./:]|centos|fedora|golang|nginx|php|registry|^[a-z]+$/.test(plain))
      return `needs the image ${plain}`;
  }
  return undefined;
}

/** The entry as a case to build, its files below `folder`. */
export async function toBuildCase(entry: CorpusEntry, folder: string): Promise<BuildCase> {
  const none = { parent: undefined, equivalent: undefined };
  const name = `${entry.corpus} ${entry.name}`;
  if (entry.given !== undefined) {
    const { context, file } = entry.given;
    return { name, folder: context, context, file, args: { file }, ...none };
  }
  const context = join(folder, 'context');
  await mkdir(context, { recursive: true });
  await writeFile(join(folder, 'Dockerfile'), entry.text);
  for (const source of copied(entry.text)) {
    const path = join(context, source.replace(/\/+$/, ''), source.endsWith('/') || source === '.' ? 'file' : '');
    if (existsSync(path)) continue;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${source}\n`);
    } catch {
      // a file where another source wants a folder: then the one that came first counts
    }
  }
  return { name, folder, context, file: 'Dockerfile', args: {}, ...none };
}

/** What the lines of a Dockerfile copy from a context, as far as it can be seen from outside. */
function copied(text: string): string[] {
  const lines = text.replace(/\\\r?\n/g, ' ').split('\n');
  return lines.flatMap((line) => {
    const match = /^\s*(?:ONBUILD\s+)?(?:COPY|ADD)\s+(.*)$/i.exec(line);
    if (match === null || /--from=|<</.test(line)) return [];
    const rest = (match[1] ?? '').trim();
    const words = rest.startsWith('[') ? wordsOfJson(rest) : rest.split(/\s+/).filter((word) => !word.startsWith('--'));
    return words.slice(0, -1).filter((word) => !/[*?[$\\\0]|^\/?$|\.\./.test(word));
  });
}

function wordsOfJson(text: string): string[] {
  try {
    return JSON.parse(text) as string[];
  } catch {
    return [];
  }
}
