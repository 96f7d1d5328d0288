import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { bytesValue, countValue, durationValue } from '../option-values.ts';

export function describeHouse(program: Command, add: AddCommand): void {
  add(
    program,
    'doctor',
    {
      summary: 'recompute, do not trust: checks the machine and the stored bytes',
      about:
        'Checks what the machine can do, recomputes the digest of every stored byte, and compares what is recorded of images with their manifests.',
      examples: ['slipway doctor', 'slipway doctor --quick', 'slipway doctor --repair'],
    },
    async () => (await import('../commands/doctor.ts')).doctor,
  )
    .option('--quick', 'the machine alone; no stored byte is read')
    .option('--repair', 'mend what can be mended without loss, and say what was done')
    .option('--json', 'for programs, one object per line');
  add(
    program,
    'prune',
    {
      summary: 'remove now what nobody keeps any more',
      about:
        'Does what the server does every hour by itself: blobs that no image, build, object or cache names move to the trash, unpacked trees and uploads that nobody uses go.',
      examples: [
        'slipway prune',
        'slipway prune --dry-run',
        'slipway prune --images',
        'slipway prune --cache --older-than 7d',
        'slipway prune --cache --keep-bytes 10GB',
      ],
    },
    async () => (await import('../commands/prune.ts')).prune,
  )
    .option('--images', 'also remove images without a name: of builds without -t, and of tags that moved on')
    .option('--cache', 'also forget cached layers: all that no build of the last hour used, or those beyond the limits')
    .option('--older-than <time>', 'with --cache: only those that no build used for so long (7d, 12h)', durationValue)
    .option('--keep-bytes <size>', 'with --cache: only the longest unused beyond this size (10GB)', bytesValue)
    .option('--dry-run', 'remove nothing; say of every blob whether it would go, and why')
    .option('--json', 'for programs; with --dry-run one object per line');
  add(
    program,
    'backup <folder>',
    {
      summary: 'back up a server that goes on running',
      about:
        'Writes a backup below a folder, best on another disk: rows as they are at one moment, then the blobs that are not there yet, settings, keys, tokens and logs. Caches are left out.',
      examples: ['slipway backup /mnt/backup/slipway', 'slipway backup /mnt/backup/slipway --keep 14'],
    },
    async () => (await import('../commands/backup.ts')).backup,
  )
    .option('--keep <count>', 'remove older backups, so that this many stay', countValue)
    .option('--json', 'for programs');
  add(
    program,
    'restore <folder>',
    {
      summary: 'lay a backup out as a new data folder',
      about: 'Checks the database and every blob of a backup, and lays it out as the data folder that --data names.',
      examples: ['slipway restore /mnt/backup/slipway --data /srv/slipway'],
    },
    async () => (await import('../commands/restore.ts')).restore,
  )
    .option('--snapshot <name>', 'one of those in FOLDER/snapshots (default: the latest)')
    .option('--json', 'for programs');
  add(
    program,
    'seed',
    {
      summary: "fill the server with the example's bucket, model and bases",
      about:
        "Fills the running server with what the example needs and prints where its copy of the example lies. With --builders, makes Google's builder images docker and git of this machine's Debian packages instead. Safe to repeat.",
      examples: ['slipway seed', 'slipway seed --builders --project demo'],
    },
    async () => (await import('../commands/seed.ts')).seed,
  )
    .option('--builders', "Google's builder images docker and git, made here")
    .option('--project <id>', 'whose builds use them (else $CLOUDSDK_CORE_PROJECT, else demo)');
}
