import { type Clock, timestamp } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { GitLabConnections } from '../gitlab/gitlab-connections.ts';
import { readGitLabEvent } from '../gitlab/read-event.ts';
import type { CommitReports } from './commit-reports.ts';
import type { ConnectionStore } from './connection.ts';
import { type Decision, decide } from './decide.ts';
import type { TriggerOutcome } from './delivery-queue.ts';
import { evaluateFilter } from './evaluate-trigger-filter.ts';
import { describeEvent, type RepositoryEvent } from './event.ts';
import type { Delivery } from './inbox.ts';
import { repositoryFacts } from './repository-facts.ts';
import { buildIdFor, type Start, type StartDeps, startBuild } from './start-build.ts';
import type { TriggerEvents } from './trigger-events.ts';
import { requestSubstitutions } from './trigger-values.ts';
import { contextOf, type TriggerRecord, type TriggerStore } from './triggers.ts';

export interface WorkDeps extends StartDeps {
  triggers: TriggerStore;
  connections: ConnectionStore;
  gitlab: GitLabConnections;
  events: TriggerEvents;
  reports: CommitReports;
  /** Whether there is a build of this id. */
  exists(build: string): Promise<boolean>;
  clock: Clock;
}

/** What a delivery means for the triggers that wait for it: their builds are begun, and what came of it is noted. */
export async function workOnDelivery(
  delivery: Delivery,
  deps: WorkDeps,
  signal: AbortSignal,
): Promise<TriggerOutcome[]> {
  const body: unknown = JSON.parse(delivery.body);
  if (delivery.kind === 'gitlab') return workOnGitLab(delivery, body, deps, signal);
  const [project = '', id = ''] = delivery.source.split('/');
  const record = await deps.triggers.get({ project, location: '' }, id);
  if (record === undefined) return [];
  const desk = new TriggerWork(delivery, record, deps);
  if (delivery.kind === 'cron') {
    const { at } = body as { at: number };
    const decision: Decision = record.trigger.disabled
      ? { build: false, reason: 'the trigger is disabled' }
      : { build: true };
    return [await desk.end(`schedule of ${timestamp(at)}`, decision, { signal })];
  }
  return [await desk.end('webhook', async () => evaluateFilter(record, { body }), { payload: { body }, signal })];
}

async function workOnGitLab(
  delivery: Delivery,
  body: unknown,
  deps: WorkDeps,
  signal: AbortSignal,
): Promise<TriggerOutcome[]> {
  const told = readGitLabEvent(body);
  const connection = await deps.connections.get(delivery.source);
  if (told === undefined || connection === undefined) return [];
  const { event } = told;
  const linked = await deps.connections.repositories(delivery.source);
  const outcomes: TriggerOutcome[] = [];
  for (const { repository, projectNumber } of linked) {
    if (projectNumber !== told.project) continue;
    const facts = repositoryFacts(event, {
      reader: deps.reader,
      signal,
      address: async () => {
        const address = await deps.gitlab.resolveRepository(connection.project, repository.name);
        if (address === undefined) throw new Problem('not-found', `no repository is linked as ${repository.name}`);
        return address;
      },
      mayPush: async (person) => (await deps.gitlab.api(connection, 'read')).mayPush(projectNumber, person),
    });
    const payload = { body, [event.kind === 'push' ? 'push' : 'pull_request']: body };
    for (const record of await deps.triggers.ofRepository(repository.name)) {
      const work = new TriggerWork(delivery, record, deps);
      const decision = () => decide(record.trigger, event, facts);
      const start = { at: placeOfEvent(event), event: requestSubstitutions(event), payload, signal };
      outcomes.push(await work.end(describeEvent(event), decision, start, repository.name));
    }
  }
  return outcomes;
}

function placeOfEvent(event: RepositoryEvent): Start['at'] {
  if (event.kind === 'pull-request') return { revision: event.commit, ref: event.ref, branch: event.headBranch };
  const { commit = '', branch, tag } = event;
  return { revision: commit, ref: tag === undefined ? `refs/heads/${branch}` : `refs/tags/${tag}`, branch, tag };
}

/** One delivery for one trigger. */
class TriggerWork {
  readonly #record: TriggerRecord;
  readonly #deps: WorkDeps;
  readonly #build: string;

  constructor(delivery: Delivery, record: TriggerRecord, deps: WorkDeps) {
    this.#record = record;
    this.#deps = deps;
    this.#build = buildIdFor(delivery.source, delivery.key, String(delivery.at), record.trigger.id);
  }

  /** @param repository that shows what becomes of the commit, if one does */
  async end(
    event: string,
    decision: Decision | (() => Promise<Decision>),
    start: Omit<Start, 'record' | 'actor' | 'buildId'>,
    repository?: string,
  ): Promise<TriggerOutcome> {
    const { trigger, project, location } = this.#record;
    let outcome: Omit<TriggerOutcome, 'trigger'>;
    try {
      outcome = await this.#outcome(typeof decision === 'function' ? await decision() : decision, start);
    } catch (error) {
      if (start.signal.aborted) throw error;
      if (!(error instanceof Problem)) log.error({ trigger: trigger.id, err: error }, 'a trigger failed');
      outcome = { outcome: 'failed', reason: error instanceof Problem ? worded(error) : 'an error of the server' };
      await this.#showFailure(start.at, repository, outcome.reason ?? '');
    }
    await this.#deps.events.note({
      at: this.#deps.clock.now(),
      project,
      location,
      trigger: trigger.id,
      triggerName: trigger.name,
      event,
      ...outcome,
    });
    return { trigger: trigger.name, ...outcome };
  }

  async #outcome(decision: Decision, start: Omit<Start, 'record' | 'actor'>): Promise<Omit<TriggerOutcome, 'trigger'>> {
    if (!decision.build) return { outcome: 'ignored', reason: decision.reason };
    const record = this.#record;
    const built = { outcome: 'built', build: this.#build } as const;
    if (await this.#deps.exists(this.#build)) return built;
    await startBuild({ ...start, record, actor: `trigger:${record.trigger.id}`, buildId: this.#build }, this.#deps);
    return built;
  }

  async #showFailure(at: Start['at'], repository: string | undefined, reason: string): Promise<void> {
    if (repository === undefined || at === undefined) return;
    const { reports, clock } = this.#deps;
    const ref = at.branch ?? at.tag;
    const context = contextOf(this.#record);
    await reports.add({ build: this.#build, repository, commit: at.revision, ref, context, at: clock.now() });
    await reports.fail(this.#build, reason);
  }
}

function worded(problem: Problem): string {
  return problem.hint === undefined ? messageOf(problem) : `${problem.message}. ${problem.hint}`;
}
