import { Problem } from '../../lib/problem.ts';
import type { WirePage } from './wire.ts';

const LARGEST_PAGE = 25_000;
const TERM = /^([\w.-]+)(:|=|!=)"?([^"]*?)"?$/;

export interface PageQuery {
  pageSize?: string;
  pageToken?: string;
  filter?: string;
}

/**
 * One page of a list that is here as a whole; the token is where it goes on.
 * @param fieldsOf what a filter can ask of an item, by its name
 * @throws Problem `invalid`, `unsupported` for a filter of another kind than `name:api AND labels.team=web`
 */
export function pageOf<T>(
  all: readonly T[],
  { pageSize, pageToken, filter }: PageQuery,
  fieldsOf: (item: T) => Record<string, string>,
): { page: T[]; rest: WirePage } {
  const matches = filterOf(filter ?? '');
  const wanted = all.filter((item) => matches(fieldsOf(item)));
  const from = numberOf('pageToken', pageToken);
  const size = Math.min(numberOf('pageSize', pageSize) || LARGEST_PAGE, LARGEST_PAGE);
  const page = wanted.slice(from, from + size);
  const next = from + page.length;
  return {
    page,
    rest: {
      ...(wanted.length === 0 ? {} : { totalSize: wanted.length }),
      ...(next < wanted.length ? { nextPageToken: String(next) } : {}),
    },
  };
}

/** `:` is "has", without regard to case; a word alone is looked for in the name. */
function filterOf(filter: string): (fields: Record<string, string>) => boolean {
  const terms = filter.split(/\s+/).filter((term) => term !== '' && term !== 'AND');
  const tests = terms.map((term) => {
    const [, field = 'name', operator = ':', value = term] = TERM.exec(term) ?? [];
    if (/[()|]/.test(term) || ['OR', 'NOT'].includes(term))
      throw new Problem('unsupported', `filter ${JSON.stringify(filter)} is not supported by this server`, {
        hint: 'It takes FIELD:PART and FIELD=VALUE, several of them with AND.',
      });
    return (fields: Record<string, string>) => {
      const found = fields[field];
      if (operator === '!=') return found !== value;
      if (found === undefined) return false;
      return operator === '=' ? found === value : found.toLowerCase().includes(value.replaceAll('*', '').toLowerCase());
    };
  });
  return (fields) => tests.every((test) => test(fields));
}

function numberOf(field: string, text = ''): number {
  if (/^\d{0,9}$/.test(text)) return Number(text);
  throw new Problem('invalid', `invalid ${field} ${JSON.stringify(text)}`);
}
