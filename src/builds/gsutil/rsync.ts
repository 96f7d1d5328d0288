import { announce, report, shownSource } from './cp.ts';
import { CommandException, type GsutilCommand, splitFlags } from './session.ts';
import { synchronise } from './sync.ts';
import { formatPlace, parsePlace } from './urls.ts';

/** `gsutil rsync [-r] [-d] [-n] [-i] [-x REGEX] SRC DST`. */
export const rsync: GsutilCommand = async (args, session) => {
  const { flags, values, rest } = splitFlags('rsync', args, { switches: 'rRdnceCpPuUiJ', values: 'jyax' });
  const [source, target] = rest.map(parsePlace);
  if (source === undefined || target === undefined || rest.length !== 2)
    throw new CommandException('Wrong number of arguments for "rsync" command.');
  const dry = flags.has('n');
  session.err('Building synchronization state...');
  const { count, bytes } = await synchronise(
    {
      source,
      target,
      dry,
      recursive: flags.has('r') || flags.has('R'),
      remove: flags.has('d'),
      ignoreExisting: flags.has('i'),
      exclude: values.get('x') ?? values.get('y'),
    },
    session,
    {
      onStart: () => session.err('Starting synchronization...'),
      onCopy: (item, to) =>
        dry ? session.err(`Would copy ${shownSource(item)} to ${formatPlace(to)}`) : announce(item, to, session),
      onRemove: (item) => session.err(`${dry ? 'Would remove' : 'Removing'} ${shownSource(item)}`),
    },
  );
  report(count, bytes, session);
  return 0;
};
