import type { Rule } from './rule.ts';
import { bashForm } from './rules/bash-form.ts';
import { buildArgs } from './rules/build-args.ts';
import { buildConfig } from './rules/build-config.ts';
import { deprecatedBuilder } from './rules/deprecated-builder.ts';
import { dockerfiles } from './rules/dockerfiles.ts';
import { ignoreFiles } from './rules/ignore-files.ts';
import { ignoredDockerfile } from './rules/ignored-dockerfile.ts';
import { ignoredSource } from './rules/ignored-source.ts';
import { imageNameCase } from './rules/image-name-case.ts';
import { imageNotBuilt } from './rules/image-not-built.ts';
import { stepTimeout } from './rules/step-timeout.ts';
import { substitutionInScript } from './rules/substitution-in-script.ts';
import { unusedSecret } from './rules/unused-secret.ts';
import { waitFor } from './rules/wait-for.ts';

/** Every rule; docs/lint.md has a row for each. */
export const RULES: readonly Rule[] = [
  buildConfig,
  bashForm,
  substitutionInScript,
  waitFor,
  stepTimeout,
  unusedSecret,
  deprecatedBuilder,
  imageNotBuilt,
  imageNameCase,
  dockerfiles,
  buildArgs,
  ignoreFiles,
  ignoredDockerfile,
  ignoredSource,
];
