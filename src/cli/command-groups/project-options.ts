import type { Command } from 'commander';

const PROJECT = ['--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)'] as const;

/** Whose builds, and in which location. */
export function withProject(command: Command): Command {
  return command.option('--region <region>', 'as gcloud --region', 'europe-central2').option(...PROJECT);
}

/** The same for builds that are there, in whichever location a client put them: gcloud without --region takes `global`. */
export function withAnyRegion(command: Command): Command {
  return command.option('--region <region>', 'as gcloud --region; - for all', '-').option(...PROJECT);
}
