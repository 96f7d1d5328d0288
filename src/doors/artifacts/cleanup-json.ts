import { Problem } from '../../lib/problem.ts';
import type { CleanupCondition, CleanupPolicy } from '../../stores/repositories/repository.ts';
import type { SentCleanupPolicy } from './read-json.ts';
import type { WireCleanupPolicy } from './wire.ts';

type SentCondition = NonNullable<SentCleanupPolicy['condition']>;

const NO_CONDITION: { [K in keyof SentCondition]?: undefined } = {};
const TAG_STATES = ['tagged', 'untagged', 'any'] as const;

export function wireCleanupPolicy(policy: CleanupPolicy): WireCleanupPolicy {
  const action = policy.action.toUpperCase();
  if ('mostRecent' in policy) {
    const { keepCount, packageNamePrefixes } = policy.mostRecent;
    return { id: policy.id, action, mostRecentVersions: { keepCount, ...given({ packageNamePrefixes }) } };
  }
  const { tagState, olderThan, newerThan, ...prefixes } = policy.condition;
  return {
    id: policy.id,
    action,
    condition: {
      ...given({ tagState: tagState?.toUpperCase() }),
      ...given(prefixes),
      ...given({ olderThan: seconds(olderThan), newerThan: seconds(newerThan) }),
    },
  };
}

/** @throws Problem `invalid` with the policy's id and the field */
export function cleanupPolicyOf(id: string, sent: SentCleanupPolicy): CleanupPolicy {
  const bad = (why: string) => new Problem('invalid', `cleanup policy ${JSON.stringify(id)}: ${why}`);
  const action = (sent.action ?? '').toLowerCase();
  if (action !== 'delete' && action !== 'keep') throw bad('action must be Delete or Keep');
  const recent = sent.mostRecentVersions;
  if (recent !== undefined) {
    if (action !== 'keep') throw bad('mostRecentVersions can only keep');
    const { keepCount = 0 } = recent;
    if (keepCount < 1) throw bad('mostRecentVersions.keepCount must be a number from 1');
    return { id, action, mostRecent: { keepCount, ...given({ packageNamePrefixes: recent.packageNamePrefixes }) } };
  }
  const { tagPrefixes, versionNamePrefixes, packageNamePrefixes, ...condition } = sent.condition ?? NO_CONDITION;
  const state = condition.tagState?.toLowerCase();
  const tagState = TAG_STATES.find((one) => one === state);
  if (state !== undefined && state !== 'tag_state_unspecified' && tagState === undefined)
    throw bad(`condition.tagState ${JSON.stringify(condition.tagState)} is none of TAGGED, UNTAGGED, ANY`);
  const olderThan = duration(condition.olderThan, () =>
    bad('condition.olderThan is no duration, for example 2592000s'),
  );
  const newerThan = duration(condition.newerThan, () =>
    bad('condition.newerThan is no duration, for example 2592000s'),
  );
  const read = given({ tagState, tagPrefixes, versionNamePrefixes, packageNamePrefixes, olderThan, newerThan });
  return { id, action, condition: read as CleanupCondition };
}

function duration(text: string | undefined, bad: () => Problem): number | undefined {
  if (text === undefined) return undefined;
  const value = /^(\d+(?:\.\d+)?)s$/.exec(text)?.[1];
  if (value === undefined) throw bad();
  return Number(value);
}

function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}s`;
}

/** Without the fields that are undefined: JSON has them absent. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
