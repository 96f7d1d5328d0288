import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerRuntime, ContainerSpec } from '../../../src/containers/container.ts';
import { noContainers } from '../image-build/test-engine.ts';

/** Commands that ran, in order. */
export interface PretendRuntime extends ContainerRuntime {
  ran: string[];
}

/**
 * Runs no container, so that thousands of RUN lines take seconds. What a command would see decides what it leaves: `RUN NAME`
 * writes `/NAME` with the command, its environment, folder and user, all that a real one could read beside the tree.
 */
export function pretendRuntime(): PretendRuntime {
  const ran: string[] = [];
  return {
    ...noContainers,
    ran,
    async run(spec: ContainerSpec) {
      const command = spec.args.at(-1) ?? '';
      ran.push(command);
      const { rootfs } = spec;
      const name = /^\w+/.exec(command)?.[0] ?? 'result';
      const file = join(rootfs.upper, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify([command, [...spec.env].sort(), spec.cwd, spec.user, spec.network.kind]));
      return { code: 0, outOfMemory: false };
    },
  };
}
