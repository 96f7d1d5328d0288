import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';

export function describeLint(program: Command, add: AddCommand): void {
  add(
    program,
    'lint [folder]',
    {
      summary: 'what goes wrong between cloudbuild.yaml, Dockerfiles, ignore files and .gitlab-ci.yml',
      about:
        'Looks at all of them together, without running anything, and says what would fail, where, and what to write instead. Ends with 1 when there are errors. Needs no server.',
      examples: ['slipway lint', 'slipway lint services/api --strict'],
    },
    async () => (await import('../commands/lint.ts')).lintFolder,
  )
    .option('--strict', 'warnings fail it too')
    .option('--json', 'the findings as JSON');
}
