import { randomUUID } from 'node:crypto';
import { type Clock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { Build } from '../build.ts';
import { readTrigger } from './check-trigger.ts';
import { type Decision, decide } from './decide.ts';
import { evaluateFilter } from './evaluate-trigger-filter.ts';
import type { RepositoryEvent } from './event.ts';
import type { ScheduleTimes } from './schedules.ts';
import { placeOf, type Start, type StartDeps, startBuild } from './start-build.ts';
import { type BuildTrigger, kindOf, type RepoSource, type TriggerFields } from './trigger.ts';
import type { TriggerEvents } from './trigger-events.ts';
import type { TriggerPlace, TriggerRecord, TriggerStore } from './triggers.ts';
import { patched } from './update-trigger.ts';

export interface TriggerServiceDeps {
  triggers: TriggerStore;
  events: TriggerEvents;
  times: ScheduleTimes;
  clock: Clock;
  start: StartDeps;
  /** A schedule may have changed. */
  rescheduled(): void;
}

/** Something that could happen, described by whoever wants to know what it would start. */
export type Supposed = { event: RepositoryEvent; changed?: string[] | undefined } | { body: unknown };

/** What people do with triggers. */
export class TriggerService {
  readonly #deps: TriggerServiceDeps;

  constructor(deps: TriggerServiceDeps) {
    this.#deps = deps;
  }

  get store(): Pick<TriggerStore, 'list'> {
    return this.#deps.triggers;
  }

  get events(): Pick<TriggerEvents, 'list'> {
    return this.#deps.events;
  }

  /** @throws Problem `invalid`, `conflict`, `exhausted`, `unsupported` */
  async create(place: TriggerPlace, body: unknown): Promise<BuildTrigger> {
    const id = randomUUID();
    const fields = readTrigger(body, place.project);
    const createTime = timestamp(this.#deps.clock.now());
    const record = recordOf(place, fields, { id, createTime, name: fields.name ?? `trigger-${id.slice(0, 8)}` });
    await this.#deps.triggers.create(record);
    await this.#changed(record);
    return record.trigger;
  }

  /** @throws Problem `not-found` */
  async get(place: TriggerPlace, idOrName: string): Promise<TriggerRecord> {
    const record = await this.#deps.triggers.get(place, idOrName);
    if (record !== undefined) return record;
    throw new Problem('not-found', `there is no trigger ${idOrName} in ${place.project}, location ${place.location}`, {
      hint: 'gcloud builds triggers list --region=REGION shows those of a region.',
    });
  }

  /** @throws Problem as `create`, and `not-found` */
  async update(place: TriggerPlace, idOrName: string, body: unknown, mask: string | undefined): Promise<BuildTrigger> {
    const before = await this.get(place, idOrName);
    const fields = readTrigger(patched(before.trigger, body, mask), place.project);
    const { id, createTime, name } = before.trigger;
    const record = recordOf(before, fields, { id, createTime, name: fields.name ?? name });
    await this.#deps.triggers.replace(record);
    await this.#changed(record);
    return record.trigger;
  }

  /** @throws Problem `not-found` */
  async remove(place: TriggerPlace, idOrName: string): Promise<void> {
    const { trigger } = await this.get(place, idOrName);
    await this.#deps.triggers.remove(trigger.id);
    this.#deps.rescheduled();
  }

  /** Starts a build because a person asks. @throws Problem `conflict` when it is disabled, and what `startBuild` says */
  async run(record: TriggerRecord, source: RepoSource, actor: string, signal: AbortSignal): Promise<Build> {
    const { trigger, project, location } = record;
    if (trigger.disabled)
      throw new Problem('conflict', `trigger ${trigger.name} is disabled`, {
        hint: 'Enable it: PATCH it with disabled: false, or gcloud builds triggers import.',
      });
    const { dir, substitutions } = source;
    const build = await startBuild(
      { record, actor, at: chosenPlace(source), dir, chosen: substitutions, signal },
      this.#deps.start,
    );
    const at = this.#deps.clock.now();
    const note = { at, project, location, trigger: trigger.id, triggerName: trigger.name, event: `run by ${actor}` };
    await this.#deps.events.note({ ...note, outcome: 'built', build: build.id });
    return build;
  }

  /** Whether something would start a build, and if not, why. Nothing is started, nothing is asked of anybody. */
  async check(record: TriggerRecord, supposed: Supposed): Promise<Decision> {
    const kind = kindOf(record.trigger);
    if ('body' in supposed) {
      if (kind === 'webhook') return evaluateFilter(record, supposed);
      return { build: false, reason: `the trigger waits for ${WAITS[kind]}, not for a webhook` };
    }
    if (kind !== 'repository')
      return { build: false, reason: `the trigger waits for ${WAITS[kind]}, not for events of a repository` };
    const { event, changed } = supposed;
    return decide(record.trigger, event, {
      changedFiles: async () => changed,
      message: async () => '',
      mayWrite: async (person) => person === WRITER,
    });
  }

  /** A schedule counts from now on: what passed before it was made, or while it was off, is not made up for. */
  async #changed({ trigger }: TriggerRecord): Promise<void> {
    if (trigger.cron !== undefined) await this.#deps.times.set(trigger.id, this.#deps.clock.now());
    this.#deps.rescheduled();
  }
}

/** The person of a supposed event who may push. */
export const WRITER = 1;

const WAITS = {
  repository: 'events of a repository',
  webhook: 'calls of its webhook',
  pubsub: 'messages of Pub/Sub',
  cron: 'its times',
  manual: 'a person',
} as const;

function recordOf(
  { project, location }: TriggerPlace,
  fields: TriggerFields,
  own: Pick<BuildTrigger, 'id' | 'createTime' | 'name'>,
): TriggerRecord {
  const resourceName = `projects/${project}/locations/${location}/triggers/${own.id}`;
  return { project, location, trigger: { ...fields, ...own, resourceName } };
}

/** @throws Problem `invalid` when more than one is named */
function chosenPlace({ branchName, tagName, commitSha }: RepoSource): Start['at'] {
  const named = [branchName, tagName, commitSha].filter((each) => each !== undefined && each !== '');
  if (named.length > 1) throw new Problem('invalid', 'a branch, a tag or a commit is built: name one of them');
  if (branchName) return placeOf(`refs/heads/${branchName}`);
  if (tagName) return placeOf(`refs/tags/${tagName}`);
  return commitSha ? { revision: commitSha } : undefined;
}
