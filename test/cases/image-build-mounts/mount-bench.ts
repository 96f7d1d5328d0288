import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { putBusybox } from '../image-build/busybox-base.ts';
import { filesAbove } from '../image-build/image-files.ts';
import { OWN, openTestEngine, type TestBuild, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';

export const BASE = `FROM ${OWN}/base:1`;

/** An engine with busybox, a context that is emptied with it, and what a test of mounts asks of a build. */
export class MountBench {
  readonly test: TestEngine;
  readonly context: string;

  private constructor(test: TestEngine, context: string) {
    this.test = test;
    this.context = context;
  }

  /** @param tag of the containers */
  static async open(tag: string, allow: { insecure?: boolean; hostNetwork?: boolean } = {}): Promise<MountBench> {
    const test = await openTestEngine({
      runtime: (folder) =>
        createRuntime({
          dataFolder: folder,
          tag,
          allowHostNetwork: allow.hostNetwork === true,
          allowInsecure: allow.insecure === true,
        }),
    });
    test.deps.entitlements = [
      ...(allow.insecure === true ? ['security.insecure' as const] : []),
      ...(allow.hostNetwork === true ? ['network.host' as const] : []),
    ];
    await putBusybox(test.deps);
    return new MountBench(test, await mkdtemp(join(tmpdir(), 'slipway-context-')));
  }

  async put(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(join(this.context, path)), { recursive: true });
    await writeFile(join(this.context, path), text);
    await chmod(join(this.context, path), mode);
  }

  async emptyContext(): Promise<void> {
    for (const name of await readdir(this.context)) await rm(join(this.context, name), { recursive: true });
  }

  /** @param project other than `test` */
  build(lines: string, request: TestRequest = {}, signal?: AbortSignal, project = 'test'): Promise<TestBuild> {
    const dockerfile = { text: `${lines}\n`, name: 'Dockerfile' };
    const caller = { ...this.test.caller(signal), project };
    return this.test.build(this.context, { dockerfile, tags: ['mounts:1'], ...request }, caller);
  }

  /** What the layers above the base hold. */
  async files(result: TestBuild): Promise<Record<string, string>> {
    const { layers } = await this.test.engine.inspect(result.images[0]?.tags[0] ?? '', this.test.caller());
    return await filesAbove(this.test.deps, layers.slice(1));
  }

  /** Everything that is still mounted, in work or leased. */
  async traces(): Promise<string[]> {
    const { folder } = this.test;
    const mounts = (await readMountTable()).map(({ target }) => target).filter((path) => path.startsWith(folder));
    const work = await Promise.all(
      ['snapshots/a', 'snapshots/l', 'run'].map((name) => readdir(join(folder, name)).catch(() => [])),
    );
    return [...mounts, ...work.flat()];
  }

  /** Whether any file of the data folder holds a text: rows, blobs, listings, everything. */
  async anywhere(text: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(this.test.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      if ((await readFile(path)).includes(text)) found.push(path);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.test.close();
    await rm(this.context, { recursive: true });
  }
}

/** What the commands of a build printed. */
export function output(result: TestBuild): string {
  return result.events.flatMap((event) => (event.kind === 'output' ? [event.text] : [])).join('');
}

export function statuses(result: TestBuild): string[] {
  return result.steps.map(({ status }) => status);
}
