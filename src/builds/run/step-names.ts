/** As a label of a host name (RFC 1123), with the underscores that docker allows. */
const LABEL = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i;

/** Names of ours on the network of a build; a step of such an id is found by its number alone. */
const RESERVED = new Set(['localhost', 'metadata']);

/**
 * By what other steps, and containers on the network `cloudbuild`, find a step while it runs: `step_0`, the name of its
 * container on the hosted service, and its id where that can be a host name.
 */
export function namesOfStep(index: number, id: string | undefined): string[] {
  const names = [`step_${index}`];
  if (id !== undefined && LABEL.test(id) && !RESERVED.has(id.toLowerCase()) && !/^step_\d+$/i.test(id)) names.push(id);
  return names;
}
