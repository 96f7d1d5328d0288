import { familiarName, parseReference } from '../../images/reference.ts';

/**
 * The name under which a step's image is served (`builds.images` of slipway.yaml): an entry with a tag or digest means that
 * one alone, an entry without means all of them, and its target takes the step's tag over unless it has its own.
 * @throws Problem `invalid` when `name` or an entry is no image name
 */
export function aliasOf(name: string, aliases: Readonly<Record<string, string>>): string {
  const asked = parseReference(name);
  const entries = Object.entries(aliases).map(([from, to]) => ({ from: parseReference(from), to }));
  const of = entries.filter(({ from }) => from.host === asked.host && from.repository === asked.repository);
  const exact = of.find(
    ({ from }) => (from.tag ?? from.digest) && from.tag === asked.tag && from.digest === asked.digest,
  );
  if (exact !== undefined) return exact.to;
  const all = of.find(({ from }) => from.tag === undefined && from.digest === undefined);
  if (all === undefined) return name;
  const to = parseReference(all.to);
  if (to.tag !== undefined || to.digest !== undefined || asked.tag === undefined) return all.to;
  return familiarName({ ...to, tag: asked.tag });
}
