import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import type { BuildTokens } from './rows.ts';

/**
 * Identities of the builds of one process: those that it has not given back when it goes, however it goes, end with it, and
 * the names of their images.
 * @param closed given when the process has gone
 * @param drop ends what a build has
 */
export function tokensOfConnection(
  tokens: BuildTokens,
  closed: AbortSignal,
  drop: (build: string) => Promise<void>,
): BuildTokens {
  const held = new Map<string, string>();
  const dropAll = () => {
    for (const build of held.values())
      drop(build).catch((error: unknown) => log.error({ build, error: messageOf(error) }, 'what a build had is left'));
    held.clear();
  };
  closed.addEventListener('abort', dropAll, { once: true });
  return {
    async issue(build, project) {
      const issued = await tokens.issue(build, project);
      held.set(issued.id, build);
      if (closed.aborted) dropAll();
      return issued;
    },
    async revoke(id) {
      await tokens.revoke(id);
      held.delete(id);
    },
  };
}
