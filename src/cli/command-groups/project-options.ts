import type { Command } from 'commander';

/** Whose builds, and in which location. */
export function withProject(command: Command): Command {
  return command
    .option('--region <region>', 'as gcloud --region', 'europe-central2')
    .option('--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)');
}
