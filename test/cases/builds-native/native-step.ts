import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { NativeBuilder, NativeContext } from '../../../src/builds/builders/native-builder.ts';
import { bucketsOf } from '../../../src/builds/run/bucket-access.ts';
import { StepFiles } from '../../../src/builds/run/step-files.ts';
import { openBench } from '../build-log/build-bench.ts';

/** A step of project p1 with a workspace, a home and buckets, whose engine has no layers. */
export async function openNativeStep() {
  const bench = await openBench();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-native-'));
  const [workspace, home] = [join(folder, 'workspace'), join(folder, 'home')];
  for (const path of [workspace, home]) await mkdir(path);
  const roots = new Map([
    ['/workspace', workspace],
    ['/builder/home', home],
  ]);
  return {
    bench,
    /** Holds `workspace` and `home`. */
    folder,
    /** Adds a file of the workspace. */
    async write(name: string, content: string): Promise<void> {
      await mkdir(dirname(join(workspace, name)), { recursive: true });
      await writeFile(join(workspace, name), content);
    },
    read: (name: string) => readFile(join(workspace, name), 'utf8'),
    readHome: (name: string) => readFile(join(home, name), 'utf8'),
    /** Every file of the workspace. */
    async files(): Promise<string[]> {
      const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(workspace.length + 1))
        .sort();
    },
    async put(name: string, content: string | Buffer, bucket = 'models'): Promise<void> {
      async function* bytes() {
        yield Buffer.from(content);
      }
      await bench.buckets.put(bucket, name, bytes());
    },
    async objects(bucket = 'models'): Promise<string[]> {
      return (await bench.buckets.list(bucket, { limit: 100 })).objects.map((object) => object.name);
    },
    async run(
      builder: NativeBuilder,
      args: readonly string[],
      more: Partial<NativeContext> = {},
    ): Promise<{ code: number; out: string; err: string }> {
      const said = { out: '', err: '' };
      const code = await builder(args, {
        cwd: '/workspace',
        env: {},
        files: new StepFiles(roots),
        scratch: async () => {
          const path = join(folder, 'scratch');
          await mkdir(path, { recursive: true });
          return path;
        },
        output: {
          stdout: (chunk) => {
            said.out += chunk.toString();
          },
          stderr: (chunk) => {
            said.err += chunk.toString();
          },
        },
        engine: bench.deps.engine,
        caller: { scope: 'build:x', project: 'p1', actor: 'x', signal: new AbortController().signal },
        buckets: bucketsOf('p1', bench.buckets),
        network: { kind: 'none' },
        allowHostNetwork: false,
        ownNames: bench.deps.ownNames,
        verifyLogin: async () => undefined,
        ...more,
      });
      return { code, ...said };
    },
    async close(): Promise<void> {
      await rm(folder, { recursive: true });
      await bench.close();
    },
  };
}
