import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTree } from '../../lib/remove-tree.ts';
import type { LocalRun } from './local-run.ts';

/**
 * The folders of one build, below DATA/builds/<id>: made empty, gone with the build. `workspace` and `home` are those of
 * every step; each step has an outputs folder, so that what it hands back can be told apart.
 */
export interface Workspace {
  root: string;
  /** /workspace */
  workspace: string;
  /** /builder/home */
  home: string;
  /** A volume's folder, made on first use. */
  volume(name: string): Promise<string>;
  /** /builder/outputs of a step. */
  outputs(step: number): Promise<string>;
  /** Where a step's container keeps its changes, and files that we hand to it. */
  scratch(step: number): Promise<string>;
  remove(): Promise<void>;
}

/** @param local of a build at a terminal: its /workspace may be somebody's folder, or stay */
export async function makeWorkspace(
  folder: string,
  id: string,
  local: Pick<LocalRun, 'inPlace' | 'keepAt'> = {},
): Promise<Workspace> {
  const root = join(folder, id);
  const made = async (...parts: string[]) => {
    const path = join(root, ...parts);
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  };
  await removeTree(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const workspace = local.inPlace ?? (await made('workspace'));
  return {
    root,
    workspace,
    home: await made('home'),
    volume: (name) => made('volumes', name),
    outputs: (step) => made('outputs', String(step)),
    scratch: (step) => made('steps', String(step)),
    async remove() {
      if (local.keepAt !== undefined) {
        await mkdir(dirname(local.keepAt), { recursive: true, mode: 0o700 });
        await rename(workspace, local.keepAt);
      }
      await removeTree(root);
    },
  };
}
