import { z } from 'zod';
import type { TriggerEvent } from '../../builds/triggers/trigger-events.ts';
import type { Supposed } from '../../builds/triggers/trigger-service.ts';
import { Problem } from '../../lib/problem.ts';

/** Answers that are ours and not of Google's API; the command line reads them. */
export interface WireTriggerEvents {
  events: TriggerEvent[];
}

export type WireDecision = { build: true } | { build: false; reason: string };

const text = z.string().max(4096);

/** What might happen, for `triggers/T:check`. */
const supposedSchema = z.union([
  z.strictObject({
    branch: text.optional(),
    tag: text.optional(),
    message: text.optional(),
    changed: z.array(text).optional(),
  }),
  z.strictObject({
    /** A pull request into this branch. */
    baseBranch: text,
    headBranch: text.optional(),
    message: text.optional(),
    changed: z.array(text).optional(),
    comment: text.optional(),
    /** Its author, or whoever wrote the comment, may not push. */
    external: z.boolean().optional(),
  }),
  z.strictObject({ body: z.unknown() }),
]);

export type WireSupposed = z.input<typeof supposedSchema>;

/** A commit that nobody looks for. */
const SOME_COMMIT = '0123456789012345678901234567890123456789';
const WRITER = 1;
const STRANGER = 2;

/** @throws Problem `invalid` */
export function readSupposed(value: unknown): Supposed {
  const result = supposedSchema.safeParse(value);
  if (!result.success)
    throw new Problem(
      'invalid',
      'a supposed event is {branch|tag, message, changed}, {baseBranch, headBranch, message, changed, comment, external} or {body}',
    );
  const { data } = result;
  if ('body' in data) return { body: data.body };
  const message = ('message' in data ? data.message : undefined) ?? '';
  if ('baseBranch' in data) {
    const { baseBranch, headBranch = 'topic', changed, comment, external = false } = data;
    const person = external ? STRANGER : WRITER;
    return {
      changed,
      event: {
        kind: 'pull-request',
        number: 1,
        baseBranch,
        headBranch,
        headRepoUrl: '',
        commit: SOME_COMMIT,
        ref: 'HEAD',
        message,
        author: person,
        action: comment === undefined ? { kind: 'changed' } : { kind: 'comment', text: comment, by: person },
      },
    };
  }
  const { branch, tag, changed } = data;
  if ((branch === undefined) === (tag === undefined))
    throw new Problem('invalid', 'a push is one of a branch or of a tag');
  return { changed, event: { kind: 'push', branch, tag, commit: SOME_COMMIT, message } };
}
