import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { bytesValue, durationValue } from '../option-values.ts';

export function describeHouse(program: Command, add: AddCommand): void {
  add(
    program,
    'doctor',
    {
      summary: 'recompute, do not trust: checks the machine and the stored bytes',
      about: 'Checks what the machine can do and recomputes the digest of every stored byte.',
      examples: ['slipway doctor', 'slipway doctor --quick'],
    },
    async () => (await import('../commands/doctor.ts')).doctor,
  )
    .option('--quick', 'the machine alone; no stored byte is read')
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
        'slipway prune --cache --older-than 7d',
        'slipway prune --cache --keep-bytes 10GB',
      ],
    },
    async () => (await import('../commands/prune.ts')).prune,
  )
    .option('--cache', 'also forget cached layers: all that no build of the last hour used, or those beyond the limits')
    .option('--older-than <time>', 'with --cache: only those that no build used for so long (7d, 12h)', durationValue)
    .option('--keep-bytes <size>', 'with --cache: only the longest unused beyond this size (10GB)', bytesValue)
    .option('--dry-run', 'remove nothing; say of every blob whether it would go, and why')
    .option('--json', 'for programs; with --dry-run one object per line');
  add(
    program,
    'seed',
    {
      summary: "fill the server with the example's bucket, model and bases",
      about:
        'Fills the running server with what the example needs and prints where its copy of the example lies. Safe to repeat.',
    },
    async () => (await import('../commands/seed.ts')).seed,
  );
}
