import { Problem } from '../../lib/problem.ts';

/** How soon a build wants its turn (queue.ts). */
export type Priority = 'high' | 'normal' | 'low';

const PREFIX = 'priority-';
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

/**
 * The priority in a build's tags: `priority-high` or `priority-low`. A tag, because Cloud Build's API has no field for it and
 * gcloud refuses fields that it doesn't know, while tags go through every client, trigger and filter.
 */
export function priorityOf(tags: readonly string[] | undefined): Priority {
  return PRIORITIES.find((priority) => tags?.includes(priorityTag(priority))) ?? 'normal';
}

/** @throws Problem `invalid` for what is no priority */
export function parsePriority(text: string): Priority {
  const priority = PRIORITIES.find((one) => one === text);
  if (priority === undefined)
    throw new Problem('invalid', `${JSON.stringify(text)} is no priority`, { hint: `Write ${PRIORITIES.join(', ')}.` });
  return priority;
}

/** The tags with this priority in place of any other. */
export function withPriority(tags: readonly string[] | undefined, priority: Priority): string[] {
  const others = (tags ?? []).filter((tag) => !PRIORITIES.some((one) => tag === priorityTag(one)));
  return priority === 'normal' ? others : [...others, priorityTag(priority)];
}

function priorityTag(priority: Priority): string {
  return `${PREFIX}${priority}`;
}
