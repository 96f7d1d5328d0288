import { shortDigest } from '../../images/digest.ts';
import { formatReference, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { TagMove } from '../../stores/registry/registry.ts';
import { meaningBetween, type SeenDigest } from '../../stores/upstream/sightings.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { type Span, splitTime } from '../time-travel.ts';
import { withControl } from '../with-control.ts';

/** `IMAGE`: its tags. `IMAGE:TAG`: what the tag meant. `IMAGE:TAG@{DATE}`: what it meant on that day. */
export async function tags(context: CliContext, options: { json?: boolean }, argument: string): Promise<number> {
  const { name, span } = splitTime(argument);
  if (span !== undefined) return at(context, options, name, span);
  return parseReference(name).tag === undefined ? list(context, options, name) : history(context, options, name);
}

async function list(context: CliContext, options: { json?: boolean }, image: string): Promise<number> {
  const found = await withControl(context, (control) => control.call('tags', { image }));
  if (options.json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else
    context.terminal.out(
      table([['TAG', 'SINCE', 'DIGEST'], ...found.map(({ name, since, digest }) => [name, ago(since), digest])]),
    );
  return 0;
}

async function history(context: CliContext, options: { json?: boolean }, image: string): Promise<number> {
  const found = await withControl(context, (control) => control.call('tagHistory', { image }));
  const entries = 'moves' in found ? found.moves : found.seen;
  if (entries.length === 0) throw neverSeen(image);
  if (options.json) context.terminal.out(`${JSON.stringify(entries, null, 2)}\n`);
  else if ('moves' in found)
    context.terminal.out(
      table([
        ['FROM', 'UNTIL', 'BY', 'DIGEST'],
        ...found.moves.map(({ since, until, actor, digest }) => [
          day(since),
          until === undefined ? 'now' : day(until),
          actor,
          digest,
        ]),
      ]),
    );
  else
    context.terminal.out(
      table([
        ['FIRST SEEN', 'LAST SEEN', 'DIGEST'],
        ...found.seen.map(({ firstSeen, lastSeen, vanishedAt, digest }) => [
          day(firstSeen),
          vanishedAt === undefined ? day(lastSeen) : `${day(lastSeen)}, gone ${day(vanishedAt)}`,
          digest,
        ]),
      ]),
    );
  return 0;
}

/** The digest alone on standard output, for the next command. */
async function at(context: CliContext, options: { json?: boolean }, image: string, span: Span): Promise<number> {
  const named = parseReference(image);
  const reference = { ...named, tag: named.tag ?? 'latest' };
  const found = await withControl(context, (control) =>
    control.call('tagHistory', { image: formatReference(reference) }),
  );
  const answer = 'moves' in found ? ofOurs(found.moves, span) : ofOthers(found.seen, span);
  if (answer === undefined) throw neverSeen(image);
  if (options.json) context.terminal.out(`${JSON.stringify(answer)}\n`);
  else {
    context.terminal.err(`${answer.sentence}\n`);
    for (const digest of answer.digests) context.terminal.out(`${digest}\n`);
  }
  return 0;
}

interface Meaning {
  digests: string[];
  sentence: string;
}

function ofOurs(moves: readonly TagMove[], { from, to }: Span): Meaning | undefined {
  const then = moves.filter(({ since, until = Number.POSITIVE_INFINITY }) => since <= to && until >= from);
  if (then.length === 0) return undefined;
  const sentence = then
    .map(
      ({ since, until, actor }) => `from ${day(since)} until ${until === undefined ? 'now' : day(until)}, by ${actor}`,
    )
    .join('; ');
  return { digests: then.map(({ digest }) => digest), sentence };
}

function ofOthers(seen: readonly SeenDigest[], { from, to }: Span): Meaning | undefined {
  const { within, before, after } = meaningBetween(seen, from, to);
  if (within.length > 0)
    return {
      digests: within.map(({ digest }) => digest),
      sentence: within.map(({ firstSeen, lastSeen }) => `seen from ${day(firstSeen)} to ${day(lastSeen)}`).join('; '),
    };
  if (before !== undefined && after !== undefined && before.digest === after.digest)
    return {
      digests: [before.digest],
      sentence: `nobody looked then, but it was the same on ${day(before.lastSeen)} and on ${day(after.firstSeen)}`,
    };
  const near = [before, after].filter((one) => one !== undefined);
  if (near.length === 0) return undefined;
  const [earlier, later] = [before, after];
  const parts = [
    ...(earlier === undefined ? [] : [`${shortDigest(earlier.digest)} on ${day(earlier.lastSeen)}`]),
    ...(later === undefined ? [] : [`${shortDigest(later.digest)} on ${day(later.firstSeen)}`]),
  ];
  return { digests: near.map(({ digest }) => digest), sentence: `nobody looked then; it was ${parts.join(' and ')}` };
}

function neverSeen(image: string): Problem {
  return new Problem('not-found', `nothing is known of what ${image} meant then`, {
    hint: 'This server knows the tags of its own registry, and those of others that it pulled or asked about.',
  });
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
