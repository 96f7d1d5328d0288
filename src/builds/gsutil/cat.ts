import { printObjects } from './copy.ts';
import { CommandException, type GsutilCommand, type GsutilSession, NothingMatched, splitFlags } from './session.ts';
import { copyItems } from './sources.ts';
import { formatPlace } from './urls.ts';

/** `gsutil cat [-h] [-r FROM-TO] URL...`. */
export const cat: GsutilCommand = async (args, session) => {
  const { flags, values, rest } = splitFlags('cat', args, { switches: 'h', values: 'r' });
  const range = values.get('r');
  if (range === undefined && !flags.has('h')) await printObjects(rest, false, session);
  else await printRanges(rest, range, flags.has('h'), session);
  return 0;
};

/** `0-9`, `100-`, `-5`; both ends count. */
async function printRanges(
  urls: readonly string[],
  range: string | undefined,
  header: boolean,
  session: GsutilSession,
): Promise<void> {
  const match = /^(\d*)-(\d*)$/.exec(range ?? '0-');
  if (match === null || match[0] === '-') throw new CommandException(`Invalid range (${range})`);
  for await (const { from } of copyItems(urls, false, session)) {
    if (from.kind !== 'cloud') throw new NothingMatched(from.shown);
    const { object } = from;
    const last = match[1] === '' ? Number(match[2]) : undefined;
    const start = last === undefined ? Number(match[1]) : Math.max(0, object.size - last);
    const end = last === undefined && match[2] !== '' ? Math.min(object.size - 1, Number(match[2])) : object.size - 1;
    if (header) session.out(`==> ${formatPlace({ kind: 'cloud', bucket: object.bucket, path: object.name })} <==`);
    if (start > end) continue;
    for await (const chunk of await session.buckets.open(object, { start, end: end })) {
      session.caller.signal.throwIfAborted();
      session.output.stdout(chunk as Buffer);
    }
  }
}
