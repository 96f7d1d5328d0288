import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { CommitReader, RepositoryAddress } from './commit-reader.ts';
import type { EventFacts } from './decide.ts';
import type { RepositoryEvent } from './event.ts';

export interface FactsDeps {
  reader: CommitReader;
  address(): Promise<RepositoryAddress>;
  mayPush(person: number): Promise<boolean>;
  signal: AbortSignal;
}

/** What the repository of an event says, asked at most once for all triggers that wait for it. */
export function repositoryFacts(event: RepositoryEvent, deps: FactsDeps): EventFacts {
  let changed: Promise<readonly string[] | undefined> | undefined;
  let message: Promise<string> | undefined;
  const { commit } = event;
  const ref = event.kind === 'push' ? undefined : event.ref;
  return {
    changedFiles() {
      changed ??= changesOf(event, deps);
      return changed;
    },
    message() {
      if (commit === undefined) return Promise.resolve('');
      message ??= deps
        .address()
        .then((repository) => deps.reader.read({ repository, revision: commit, ref, paths: [] }, deps.signal))
        .then((answer) => answer.message);
      return message;
    },
    mayWrite: (person) => deps.mayPush(person),
  };
}

async function changesOf(
  event: RepositoryEvent,
  { reader, address, signal }: FactsDeps,
): Promise<string[] | undefined> {
  const { commit } = event;
  if (commit === undefined) return undefined;
  const since =
    event.kind === 'pull-request'
      ? { branch: event.baseBranch }
      : event.before === undefined
        ? undefined
        : { commit: event.before };
  if (since === undefined) return undefined;
  const ref = event.kind === 'push' ? undefined : event.ref;
  try {
    return await reader.changes({ repository: await address(), commit, ref, since }, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    log.info({ commit, error: messageOf(error) }, 'what changed is not known, so it counts as wanted');
    return undefined;
  }
}
