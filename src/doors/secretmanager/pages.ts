import { Problem } from '../../lib/problem.ts';
import type { WirePage } from './wire.ts';

const LARGEST_PAGE = 25_000;

export interface PageQuery {
  pageSize?: string;
  pageToken?: string;
  filter?: string;
}

/**
 * One page of a list that is here as a whole; the token is where it goes on.
 * @throws Problem `invalid`, `unsupported` for a filter
 */
export function pageOf<T>(
  all: readonly T[],
  { pageSize, pageToken, filter }: PageQuery,
): { page: T[]; rest: WirePage } {
  if (filter !== undefined && filter !== '')
    throw new Problem('unsupported', `filter ${JSON.stringify(filter)} is not supported by this server`, {
      hint: 'Ask for all, and filter what comes.',
    });
  const from = numberOf('pageToken', pageToken);
  const size = Math.min(numberOf('pageSize', pageSize) || LARGEST_PAGE, LARGEST_PAGE);
  const page = all.slice(from, from + size);
  const next = from + page.length;
  return {
    page,
    rest: {
      ...(all.length === 0 ? {} : { totalSize: all.length }),
      ...(next < all.length ? { nextPageToken: String(next) } : {}),
    },
  };
}

function numberOf(field: string, text = ''): number {
  if (/^\d{0,9}$/.test(text)) return Number(text);
  throw new Problem('invalid', `invalid ${field} ${JSON.stringify(text)}`);
}
