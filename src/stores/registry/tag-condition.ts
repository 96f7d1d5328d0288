import type { Digest } from '../../images/digest.ts';
import { Problem } from '../../lib/problem.ts';

/** What a tag has to mean now, or just must not, for a push to move it: one of these, or (`any`) anything at all. */
export interface TagCondition {
  meets: boolean;
  digests: Digest[] | 'any';
}

/** Somebody else was quicker: the tag does not mean what the pusher has seen. */
export class TagMoved extends Problem {
  constructor(tag: string, present: Digest | undefined) {
    super('conflict', `tag ${tag} means ${present ?? 'nothing'} now, which the condition of this push rules out`);
  }
}

/** @throws TagMoved */
export function checkTag(tag: string, present: Digest | undefined, { meets, digests }: TagCondition): void {
  const found = present !== undefined && (digests === 'any' || digests.includes(present));
  if (found !== meets) throw new TagMoved(tag, present);
}
