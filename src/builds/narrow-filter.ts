import { BUILD_STATUSES, type BuildStatus } from './build.ts';
import type { BuildFilter, FilterKey } from './filter.ts';

/** What every build that passes a filter has: a store rules rows out by it before it compares the rest. */
export interface NarrowedFilter {
  statuses: readonly BuildStatus[];
  id?: string | undefined;
  /** Creation, milliseconds since 1970, both inclusive. */
  from?: number | undefined;
  to?: number | undefined;
  /** Each is the value of some field, so it stands in the build's JSON as JSON has it. */
  texts: readonly string[];
}

const ANY: NarrowedFilter = { statuses: BUILD_STATUSES, texts: [] };

/** Keys whose value is in the build's JSON whenever it equals one that isn't empty. */
const TEXTS: readonly FilterKey[] = [
  'tags',
  'images',
  'results.images.name',
  'results.images.digest',
  'source.storage_source.bucket',
  'source.storage_source.object',
  'source.repo_source.repo_name',
  'source.repo_source.branch_name',
  'source.repo_source.tag_name',
  'source.repo_source.commit_sha',
  'source_provenance.resolved_repo_source.commit_sha',
  'trigger_id',
];

export function narrowFilter(filter: BuildFilter | undefined): NarrowedFilter {
  if (filter === undefined || filter.kind === 'not') return ANY;
  if (filter.kind === 'compare') return narrowed(filter.key, filter.operator, filter.value);
  const parts = filter.parts.map(narrowFilter);
  if (filter.kind === 'and') return parts.reduce(both);
  return {
    statuses: BUILD_STATUSES.filter((status) => parts.some((part) => part.statuses.includes(status))),
    texts: [],
  };
}

function narrowed(key: FilterKey, operator: string, value: string): NarrowedFilter {
  if (key === 'status' && operator === '=') return { ...ANY, statuses: BUILD_STATUSES.filter((one) => one === value) };
  if (key === 'status' && operator === '!=') return { ...ANY, statuses: BUILD_STATUSES.filter((one) => one !== value) };
  if (key === 'create_time') return { ...ANY, ...timesOf(operator, Date.parse(value)) };
  if (operator !== '=' || value === '') return ANY;
  if (key === 'build_id' || key === 'id') return { ...ANY, id: value };
  return TEXTS.includes(key) ? { ...ANY, texts: [value] } : ANY;
}

function timesOf(operator: string, at: number): Pick<NarrowedFilter, 'from' | 'to'> {
  if (Number.isNaN(at)) return {};
  if (operator === '>' || operator === '>=') return { from: at };
  return operator === '<' || operator === '<=' ? { to: at } : {};
}

function both(a: NarrowedFilter, b: NarrowedFilter): NarrowedFilter {
  return {
    statuses: a.statuses.filter((status) => b.statuses.includes(status)),
    id: a.id ?? b.id,
    from: extreme(Math.max, a.from, b.from),
    to: extreme(Math.min, a.to, b.to),
    texts: [...a.texts, ...b.texts],
  };
}

function extreme(
  choose: (...of: number[]) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  const both = [a, b].filter((one) => one !== undefined);
  return both.length === 0 ? undefined : choose(...both);
}
