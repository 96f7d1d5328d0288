import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  controllerRoot,
  type Hierarchy,
  killGroup,
  readHierarchies,
  removeGroup,
} from '../src/containers/sandbox/cgroup.ts';
import { readMountTable } from '../src/kernel/mount-table.ts';
import { Problem } from '../src/lib/problem.ts';

/**
 * A control group that holds everything one contender runs, daemon, clients and containers, so that its processor time is
 * counted by the kernel and no exited process is missed. Processes lie in a child group, because cgroup v2 allows
 * containers' groups beside processes' groups and not below them.
 */
export class AccountedGroup {
  /** The group's name in every hierarchy; what a daemon calls its cgroup parent. */
  readonly path: string;
  readonly #hierarchy: Hierarchy;
  readonly #type: string;

  static async create(name: string): Promise<AccountedGroup> {
    const hierarchies = await readHierarchies();
    const hierarchy = controllerRoot(hierarchies, 'cpuacct') ?? hierarchies.find(({ version }) => version === 2);
    if (hierarchy === undefined)
      throw new Problem('unsupported', 'no cgroup hierarchy is mounted: nothing can count processor time');
    const group = new AccountedGroup(`/slipway-bench-${process.pid}/${name}`, hierarchy);
    await mkdir(join(group.folder, 'processes'), { recursive: true });
    return group;
  }

  private constructor(path: string, hierarchy: Hierarchy) {
    this.path = path;
    this.#hierarchy = hierarchy;
    this.#type = hierarchy.version === 2 ? 'cgroup2' : 'cgroup';
  }

  get folder(): string {
    return join(this.#hierarchy.root, this.path);
  }

  /** An argument list that enters the group and becomes `argv`. */
  within(argv: readonly string[]): string[] {
    return ['sh', '-c', `echo 0 > '${join(this.folder, 'processes/cgroup.procs')}' && exec "$@"`, 'sh', ...argv];
  }

  /**
   * As `within`, and what `argv` takes for the root of the hierarchy is this group: containers that it starts at the top
   * are counted too. A mount namespace of its own comes with it, which ends with its last process.
   */
  async asRoot(argv: readonly string[]): Promise<string[]> {
    const root = this.#hierarchy.root;
    const mounted = (await readMountTable()).find(({ target }) => target === root);
    const options =
      this.#type === 'cgroup2' ? '' : `-o ${(mounted?.options ?? []).filter((option) => option !== 'rw').join(',')}`;
    const inner = `umount -l '${root}' && mount -t ${this.#type} ${options} none '${root}' && echo 0 > '${root}/processes/cgroup.procs' && exec "$@"`;
    const outer = `echo 0 > '${join(this.folder, 'cgroup.procs')}' && exec unshare --cgroup --mount --propagation private -- sh -c "$0" sh "$@"`;
    return ['sh', '-c', outer, inner, ...argv];
  }

  /** Seconds of processor time, of users and of the system, since the group was made. */
  async cpuSeconds(): Promise<number> {
    if (this.#type === 'cgroup') return Number(await readFile(join(this.folder, 'cpuacct.usage'), 'utf8')) / 1e9;
    const stat = await readFile(join(this.folder, 'cpu.stat'), 'utf8');
    return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1] ?? 0) / 1e6;
  }

  async processes(): Promise<number[]> {
    return processesBelow(this.folder);
  }

  /** Kills what is still in it and removes it. */
  async end(): Promise<void> {
    const hierarchies = await readHierarchies();
    await killGroup(hierarchies, this.path);
    await removeGroup(hierarchies, this.path);
  }

  /** When every contender's group has gone. */
  static async removeParent(): Promise<void> {
    await removeGroup(await readHierarchies(), `/slipway-bench-${process.pid}`);
  }
}

/** Groups come and go while they are read: one that has gone holds nobody. */
async function processesBelow(folder: string): Promise<number[]> {
  try {
    const pids = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isDirectory()) pids.push(...(await processesBelow(join(folder, entry.name))));
    return pids;
  } catch {
    return [];
  }
}
