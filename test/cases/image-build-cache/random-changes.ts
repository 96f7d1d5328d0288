import { chmod, mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { OWN, type TestRequest } from '../image-build/test-engine.ts';

const FILES = ['src/a.txt', 'src/b.py', 'src/sub/c.txt', 'src/ü x', 'lib/d.txt'] as const;

/** What a person may do between two builds. */
export type Change =
  | { do: 'write'; file: string; text: string }
  /** Another content of the same length, and the old time put back: what stat alone would miss. */
  | { do: 'swap'; file: string; text: string }
  | { do: 'mode'; file: string; mode: number }
  | { do: 'remove' | 'touch'; file: string }
  | { do: 'rename' | 'link'; file: string; to: string }
  | { do: 'set'; name: keyof Wishes; value: string };

/** What the Dockerfile and the flags say. */
export interface Wishes {
  base: string;
  arg: string;
  env: string;
  workdir: string;
  user: string;
  chown: string;
  chmod: string;
  exclude: string;
  ignore: string;
  label: string;
  network: string;
  mount: string;
  project: string;
  command: string;
}

const VALUES: { [name in keyof Wishes]: readonly string[] } = {
  base: ['1', '2'],
  arg: ['1', '2', ''],
  env: ['x', 'y'],
  workdir: ['/app', '/app/deep', 'rel'],
  user: ['root', 'app', '1000:50'],
  chown: ['', '1000:1001', 'app'],
  chmod: ['', '0600', '755'],
  exclude: ['', '*.txt', 'sub'],
  ignore: ['', '*.py\n', 'src/sub\n!src/sub/c.txt\n'],
  label: ['1', '2'],
  network: ['none', 'default'],
  mount: ['', 'lib', 'src'],
  project: ['test', 'other'],
  command: ['check', 'check --all'],
};

const file = fc.constantFrom(...FILES);
const text = fc.constantFrom('aaaa', 'bbbb', 'cc', '');

export const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('write' as const), file, text }),
  fc.record({ do: fc.constant('swap' as const), file, text }),
  fc.record({ do: fc.constant('mode' as const), file, mode: fc.constantFrom(0o644, 0o600, 0o755) }),
  fc.record({ do: fc.constantFrom('remove' as const, 'touch' as const), file }),
  fc.record({ do: fc.constantFrom('rename' as const, 'link' as const), file, to: file }),
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...(Object.keys(VALUES) as (keyof Wishes)[]))
      .chain((name) => fc.constantFrom(...VALUES[name]).map((value) => ({ do: 'set' as const, name, value }))),
  },
);

/** Every wish that is not the first of its kind, and every kind of change to a file. */
export const EVERY_CHANGE: readonly Change[] = [
  ...(Object.keys(VALUES) as (keyof Wishes)[]).flatMap((name) =>
    VALUES[name].slice(1).map((value): Change => ({ do: 'set', name, value })),
  ),
  { do: 'write', file: 'src/b.py', text: 'bbbb' },
  { do: 'write', file: 'src/new', text: '' },
  { do: 'swap', file: 'src/b.py', text: 'bbbb' },
  { do: 'swap', file: 'lib/d.txt', text: 'bbbb' },
  { do: 'mode', file: 'src/sub/c.txt', mode: 0o600 },
  { do: 'remove', file: 'src/sub/c.txt' },
  { do: 'touch', file: 'src/b.py' },
  { do: 'rename', file: 'src/b.py', to: 'src/c.py' },
  { do: 'rename', file: 'src/ü x', to: 'src/a.txt' },
  { do: 'link', file: 'src/b.py', to: 'src/a.txt' },
  { do: 'link', file: 'src/b.py', to: 'src/sub' },
];

/** A project on disk that changes at random. */
export class ChangingProject {
  readonly folder: string;
  readonly wishes: Wishes = Object.fromEntries(
    Object.entries(VALUES).map(([name, [first]]) => [name, first]),
  ) as unknown as Wishes;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<ChangingProject> {
    const project = new ChangingProject(await mkdtemp(join(tmpdir(), 'slipway-random-')));
    for (const path of FILES) await project.apply({ do: 'write', file: path, text: 'aaaa' });
    return project;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }

  async apply(change: Change): Promise<void> {
    if (change.do === 'set') {
      this.wishes[change.name] = change.value;
      return;
    }
    const path = join(this.folder, change.file);
    await mkdir(join(path, '..'), { recursive: true });
    if (change.do === 'write') await rewrite(path, change.text);
    else if (change.do === 'swap') await swap(path, change.text);
    else if (change.do === 'remove') await rm(path, { force: true });
    else if (change.do === 'touch') await utimes(path, 1, 1).catch(() => undefined);
    else if (change.do === 'mode') await chmod(path, change.mode).catch(() => undefined);
    else if (change.do === 'rename') await rename(path, join(this.folder, change.to)).catch(() => undefined);
    else if (change.do === 'link') {
      await rm(path, { force: true });
      await symlink(change.to.split('/').at(-1) ?? '', path);
    }
  }

  /** Writes Dockerfile and ignore file, and gives the flags that go with them. */
  async request(): Promise<TestRequest> {
    const { base, arg, env, workdir, user, chown, chmod: mode, exclude, label, network, mount, command } = this.wishes;
    const flag = (name: string, value: string) => (value === '' ? '' : ` --${name}=${value}`);
    // what the copy takes always matches something, whatever is removed
    await mkdir(join(this.folder, 'src'), { recursive: true });
    await mkdir(join(this.folder, 'lib'), { recursive: true });
    await writeFile(
      join(this.folder, 'Dockerfile'),
      `FROM ${OWN}/base:${base} AS make
COPY lib /lib-src/
RUN make
FROM ${OWN}/base:${base}
ARG V
ENV E=${env}
WORKDIR ${workdir}
COPY${flag('chown', chown)}${flag('chmod', mode)}${flag('exclude', exclude)} src ./
USER ${user}
RUN${flag('network', network)} ${command}
COPY --from=make /make /made
LABEL l=${label}
RUN${mount === '' ? '' : ` --mount=type=bind,source=${mount},target=/mnt`} look
`,
    );
    await writeFile(join(this.folder, '.dockerignore'), this.wishes.ignore);
    return { buildArgs: arg === '' ? {} : { V: arg } };
  }
}

/** A whole second, so that it can be put back exactly. */
const WRITTEN = 1_700_000_000;

async function rewrite(path: string, content: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, content);
  await utimes(path, WRITTEN, WRITTEN);
}

async function swap(path: string, content: string): Promise<void> {
  const before = await stat(path).catch(() => undefined);
  if (before?.isFile() !== true) return;
  await writeFile(path, content.padEnd(before.size, '.').slice(0, before.size));
  await utimes(path, before.atime, before.mtime);
}
