import { parseReference } from '../../images/reference.ts';
import { messageOf } from '../../lib/problem.ts';
import type { Rule } from '../rule.ts';

/** Names that docker refuses for their capitals; those with variables are the runner's to know. */
export const imageNameCase: Rule = {
  name: 'image-name-case',
  *check({ calls }) {
    for (const { tags, place } of calls)
      for (const tag of tags) {
        const reason = /[$`]/.test(tag) ? undefined : reasonAgainst(tag);
        if (reason?.includes('lowercase'))
          yield {
            severity: 'error',
            message: `docker build refuses the name ${tag}: ${reason}`,
            place,
            hint: `Write ${tag.replace(/^[^:@]*/, (name) => name.toLowerCase())}; only tags may have capitals.`,
          };
      }
  },
};

function reasonAgainst(name: string): string | undefined {
  try {
    parseReference(name);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
