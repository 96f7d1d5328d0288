import type { Flags } from '../docker/flags.ts';
import { copyObjects, printObjects, removeSource } from '../gsutil/copy.ts';
import { shownSource } from '../gsutil/cp.ts';
import type { GsutilSession } from '../gsutil/session.ts';
import type { CopyItem } from '../gsutil/sources.ts';
import { synchronise } from '../gsutil/sync.ts';
import { formatPlace, parsePlace } from '../gsutil/urls.ts';
import { flagsOf, type GcloudCommand, GcloudError } from './command.ts';

/** Flags that say how bytes travel or which rights they get; the objects are the same without them. */
const TRAVEL = [
  ...flagsOf(
    'switch',
    ['all-versions', 'A'],
    ['continue-on-error', 'c'],
    ['daisy-chain', 'D'],
    'do-not-decompress',
    'ignore-symlinks',
  ),
  ...flagsOf(
    'switch',
    ['gzip-in-flight-all', 'J'],
    ['gzip-local-all', 'Z'],
    ['preserve-posix', 'P'],
    'preserve-symlinks',
    'preserve-acl',
  ),
  ...flagsOf('switch', ['print-created-message', 'v'], ['skip-unsupported', 'U'], 'include-managed-folders'),
  ...flagsOf(
    'value',
    ['gzip-in-flight', 'j'],
    ['gzip-local', 'z'],
    ['storage-class', 's'],
    ['canned-acl', 'a'],
    'predefined-acl',
  ),
  ...flagsOf(
    'value',
    'cache-control',
    'content-disposition',
    'content-encoding',
    'content-language',
    'custom-time',
    'content-md5',
  ),
];
const UPLOAD = flagsOf('value', 'content-type', 'custom-metadata');

export const cp: GcloudCommand = {
  flags: [
    ...TRAVEL,
    ...UPLOAD,
    ...flagsOf('switch', ['recursive', 'r'], ['no-clobber', 'n']),
    { name: 'recursive-R', short: 'R', takes: 'switch' },
  ],
  args: { min: 2, max: Number.POSITIVE_INFINITY },
  run: (flags, session) => copy('cp', flags, session),
};

export const mv: GcloudCommand = {
  flags: [...TRAVEL, ...UPLOAD, ...flagsOf('switch', ['no-clobber', 'n'])],
  args: { min: 2, max: Number.POSITIVE_INFINITY },
  async run(flags, session) {
    const moved: CopyItem[] = [];
    const code = await copy('mv', flags, session, (item) => moved.push(item));
    for (const item of moved) {
      session.err(`Removing ${shownSource(item)}...`);
      await removeSource(item, session);
    }
    return code;
  },
};

async function copy(
  command: 'cp' | 'mv',
  flags: Flags,
  session: GsutilSession,
  onCopied: (item: CopyItem) => void = () => undefined,
): Promise<number> {
  const sources = [...flags.args];
  const destination = sources.pop() ?? '';
  const recursive = flags.on('recursive') || flags.on('recursive-R') || command === 'mv';
  if (destination === '-') {
    await printObjects(sources, recursive, session);
    return 0;
  }
  const upload = { contentType: flags.one('content-type') || undefined, metadata: pairs(flags.one('custom-metadata')) };
  const acl = flags.one('canned-acl') ?? flags.one('predefined-acl');
  if (acl !== undefined)
    session.err(`WARNING: --predefined-acl=${acl} has no effect: on this server tokens say who may read.`);
  const { count } = await copyObjects(
    { command, sources, destination, recursive, noClobber: flags.on('no-clobber') },
    { ...session, upload },
    {
      onCopy: (item, to) => session.err(`Copying ${shownSource(item)} to ${formatPlace(to)}`),
      onSkip: (to) => session.err(`Skipping existing destination item (no-clobber): ${formatPlace(to)}`),
      onCopied,
    },
  );
  if (count > 0) session.err('  \n');
  return 0;
}

/** `KEY=VALUE,KEY=VALUE` */
function pairs(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined || text === '') return undefined;
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new GcloudError(`argument --custom-metadata: Bad syntax for dict arg: [${pair}]`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

export const rsync: GcloudCommand = {
  flags: [
    ...TRAVEL,
    ...UPLOAD,
    ...flagsOf(
      'switch',
      ['recursive', 'r'],
      ['no-clobber', 'n'],
      'delete-unmatched-destination-objects',
      'checksums-only',
      'dry-run',
      'no-ignore-symlinks',
    ),
    { name: 'recursive-R', short: 'R', takes: 'switch' },
    ...flagsOf('list', ['exclude', 'x']),
  ],
  args: { min: 2, max: 2 },
  async run(flags, session) {
    const [source = '', target = ''] = flags.args;
    const dry = flags.on('dry-run');
    const exclude = flags.all('exclude');
    const { count } = await synchronise(
      {
        source: parsePlace(source),
        target: parsePlace(target),
        dry,
        recursive: flags.on('recursive') || flags.on('recursive-R'),
        remove: flags.on('delete-unmatched-destination-objects'),
        ignoreExisting: flags.on('no-clobber'),
        exclude: exclude.length === 0 ? undefined : exclude.map((one) => `(?:${one})`).join('|'),
      },
      session,
      {
        onStart: () => undefined,
        onCopy: (item, to) =>
          session.err(`${dry ? 'Would copy' : 'Copying'} ${shownSource(item)} to ${formatPlace(to)}`),
        onRemove: (item) => session.err(dry ? `Would remove ${shownSource(item)}` : `Removing ${shownSource(item)}...`),
      },
    );
    if (count > 0) session.err('  \n');
    return 0;
  },
};
