import type { Command } from 'commander';
import type { AddCommand } from './command.ts';
import { describeBuilds } from './command-groups/builds.ts';
import { describeHouse } from './command-groups/house.ts';
import { describeImageBuild } from './command-groups/image-build.ts';
import { describeImages } from './command-groups/images.ts';
import { describeLint } from './command-groups/lint.ts';
import { describeRepositories } from './command-groups/repositories.ts';
import { describeSecrets } from './command-groups/secrets.ts';
import { describeServer } from './command-groups/server.ts';
import { describeSubmit } from './command-groups/submit.ts';
import { describeTokens } from './command-groups/tokens.ts';
import { describeTriggers } from './command-groups/triggers.ts';

/** Every command with its options, in the order in which a newcomer needs them. */
export function describeCommands(program: Command, add: AddCommand): void {
  describeServer(program, add);
  describeSubmit(program, add);
  describeLint(program, add);
  describeBuilds(program, add);
  describeImageBuild(program, add);
  describeImages(program, add);
  describeRepositories(program, add);
  describeTriggers(program, add);
  describeSecrets(program, add);
  describeTokens(program, add);
  describeHouse(program, add);
}
