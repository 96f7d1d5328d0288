import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { Filters } from '../filters.ts';
import { integerOf } from '../query.ts';

/** As docker's own. */
const LIMIT = { otherwise: 25, most: 100 };
const SHOWN_TAGS = 3;

/**
 * `docker search TERM`: what our own registry has. There is an index of Docker Hub's at Docker Hub alone; stars and officials,
 * which only it knows, are none here.
 */
export async function search({ query, response, house }: DockerCall): Promise<void> {
  const term = (query.get('term') ?? '').replace(/^library\//, '');
  if (term === '') throw new DockerError(400, 'a search needs a term: docker search NAME');
  const limit = integerOf(query, 'limit') || LIMIT.otherwise;
  if (limit < 1 || limit > LIMIT.most)
    throw new DockerError(400, `limit ${limit} is outside the range of [1, ${LIMIT.most}]`);
  const filters = Filters.of(query, ['is-automated', 'is-official', 'stars']);
  // nothing here has a star, is official or automated
  const stars = filters.get('stars').some((value) => Number(value) > 0);
  const none = stars || filters.boolean('is-official') === true || filters.boolean('is-automated') === true;
  const found = none ? [] : await house.searchRegistry({ term, limit });
  sendJson(
    response,
    200,
    found.map(({ name, tags }) => ({
      name,
      description: tags.slice(0, SHOWN_TAGS).join(', ') + (tags.length > SHOWN_TAGS ? ', …' : ''),
      star_count: 0,
      is_official: false,
      is_automated: false,
    })),
  );
}
