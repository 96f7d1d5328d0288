import { gsutilSize } from '../sources/binary-size.ts';
import { copyObjects, printObjects, removeSource } from './copy.ts';
import { CommandException, type GsutilCommand, type GsutilSession, splitFlags } from './session.ts';
import type { CopyItem } from './sources.ts';
import { contentType } from './transfer.ts';
import { formatPlace, type Place } from './urls.ts';

/** `gsutil cp [-r] [-n] SRC... DST` and `gsutil mv`, which removes what it has copied. */
export const cp: GsutilCommand = (args, session) => copy('cp', args, session);

export const mv: GsutilCommand = async (args, session) => {
  const moved: CopyItem[] = [];
  const code = await copy('mv', args, session, (item) => moved.push(item));
  for (const item of moved) {
    session.err(`Removing ${shownSource(item)}...`);
    await removeSource(item, session);
  }
  return code;
};

async function copy(
  name: string,
  args: readonly string[],
  session: GsutilSession,
  onCopied: (item: CopyItem) => void = () => undefined,
): Promise<number> {
  const { flags, values, rest } = splitFlags(name, args, { switches: 'rRnpPcvDeIUZMAJ', values: 'sjzaL' });
  const destination = rest.pop();
  if (destination === undefined || rest.length === 0)
    throw new CommandException(`Wrong number of arguments for "${name}" command.`);
  if (flags.has('I')) throw new CommandException('a build step has no standard input to read names from');
  if (values.has('a'))
    session.err(`WARNING: -a ${values.get('a')} has no effect: on this server tokens say who may read.`);
  const recursive = flags.has('r') || flags.has('R') || name === 'mv';
  if (destination === '-') {
    await printObjects(rest, recursive, session);
    return 0;
  }
  const { count, bytes } = await copyObjects(
    { command: name, sources: rest, destination, recursive, noClobber: flags.has('n') },
    session,
    {
      onCopy: (item, to) => announce(item, to, session),
      onSkip: (to) => session.err(`Skipping existing item: ${formatPlace(to)}`),
      onCopied,
    },
  );
  report(count, bytes, session);
  return 0;
}

/** As messages name it. */
export function shownSource({ from }: CopyItem): string {
  return from.kind === 'cloud'
    ? formatPlace({ kind: 'cloud', bucket: from.object.bucket, path: from.object.name })
    : `file://${from.shown}`;
}

export function announce(item: CopyItem, to: Place, session: GsutilSession): void {
  if (session.quiet) return;
  const { from } = item;
  const type = session.upload.contentType ?? (from.kind === 'file' ? contentType(from.path) : from.object.contentType);
  session.err(`Copying ${shownSource(item)}${to.kind === 'cloud' ? ` [Content-Type=${type}]` : ''}...`);
}

/** gsutil's last two lines. */
export function report(count: number, bytes: number, session: GsutilSession): void {
  if (session.quiet || count === 0) return;
  const size = gsutilSize(bytes).padStart(10);
  session.err(`/ [${count} files][${size}/${size}]`);
  session.err(`Operation completed over ${count} objects/${gsutilSize(bytes)}.`);
}
