import { posix } from 'node:path';
import { KEY_LIMIT, openPrivateAgent } from '../../engine/mounts/private-agent.ts';
import { parseSecret, parseSsh, SECRET_LIMIT } from '../../engine/options/secret.ts';
import type { Entitlement, ImageBuildRequest } from '../../engine/request.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerSession } from './command.ts';

/** Values of `--secret`, by id: files that the step sees, and variables of its environment (`secretEnv`). @throws Problem */
export async function stepSecrets(flags: readonly string[], docker: DockerSession): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  for (const text of flags) {
    const flag = parseSecret(text, docker.env);
    if ('file' in flag)
      values.set(flag.id, await docker.files.readSmall(posix.resolve(docker.cwd, flag.file), SECRET_LIMIT));
    else {
      const value = docker.env[flag.env];
      if (value === undefined)
        throw new Problem('not-found', `--secret ${text}: the step has no variable ${flag.env}`, {
          hint: 'Variables of a step are named in its env and secretEnv.',
        });
      values.set(flag.id, Buffer.from(value));
    }
  }
  return values;
}

/**
 * Agents of `--ssh ID=KEYFILE`, for the time of `use`. A step has no agent of its own, so keys are what it can give: files
 * of its workspace, for example one that an earlier step wrote.
 */
export async function withStepAgents<T>(
  flags: readonly string[],
  docker: DockerSession,
  use: (ssh: NonNullable<ImageBuildRequest['ssh']>) => Promise<T>,
): Promise<T> {
  const sockets = new Map<string, string>();
  const endings: (() => Promise<void>)[] = [];
  try {
    for (const text of flags) {
      const { id, paths } = parseSsh(text);
      if (paths.length === 0)
        throw new Problem('unsupported', `--ssh ${text}: a build step has no ssh agent`, {
          hint: `Name a key of the workspace: --ssh ${id}=KEYFILE`,
        });
      const keys = [];
      for (const name of paths)
        keys.push({ name, key: await docker.files.readSmall(posix.resolve(docker.cwd, name), KEY_LIMIT) });
      const agent = await openPrivateAgent(keys);
      endings.push(() => agent.close());
      sockets.set(id, agent.socket);
    }
    return await use((id) => sockets.get(id));
  } finally {
    for (const end of endings) await end();
  }
}

/** @throws Problem `invalid` */
export function stepEntitlement(text: string): Entitlement {
  if (text === 'security.insecure' || text === 'network.host') return text;
  throw new Problem('invalid', `--allow ${text}: unknown entitlement`, {
    hint: 'It takes security.insecure or network.host.',
  });
}
