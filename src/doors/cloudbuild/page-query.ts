import type { FastifyRequest } from 'fastify';
import { parseFilter } from '../../builds/filter.ts';
import type { BuildQuery } from '../../builds/records.ts';
import { Problem } from '../../lib/problem.ts';
import type { Scope } from './call.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;

/** Which builds a list asks for, and which page of them; the location `-` is all of them. @throws Problem `invalid` */
export function pageQuery(
  { params, query }: Pick<FastifyRequest<{ Params: Scope; Querystring: Record<string, string> }>, 'params' | 'query'>,
  project: string,
): BuildQuery {
  const { pageSize, pageToken, filter } = query;
  const location = params.location ?? 'global';
  return {
    project,
    location: location === '-' ? undefined : location,
    filter: parseFilter(filter ?? ''),
    limit: pageLimit(pageSize),
    after: pageToken === '' ? undefined : pageToken,
  };
}

function pageLimit(text: string | undefined): number {
  const size = Number(text ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new Problem('invalid', `invalid page size ${JSON.stringify(text)}`);
  return size === 0 ? DEFAULT_PAGE : Math.min(size, MAX_PAGE);
}
