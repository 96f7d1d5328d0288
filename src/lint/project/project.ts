import type { IgnoreRules } from '../../builds/sources/gcloudignore.ts';
import type { IgnoreMatcher } from '../../dockerfile/ignore.ts';
import type { ParsedDockerfile } from '../../dockerfile/parsed.ts';
import type { Problem } from '../../lib/problem.ts';
import type { BuildConfig } from './build-config.ts';
import type { CiConfig } from './ci-config.ts';
import type { DockerCall } from './docker-call.ts';

/** A text of the folder, by its path relative to it, with slashes. */
export interface LintText {
  file: string;
  text: string;
}

export interface DockerfileText extends LintText {
  parsed: ParsedDockerfile | undefined;
  /** Why it couldn't be parsed. */
  problem: Problem | undefined;
}

export interface Gcloudignore {
  rules: IgnoreRules;
  /** The texts that rules come from, by name. */
  texts: ReadonlyMap<string, string>;
}

export interface Dockerignore extends LintText {
  rules: IgnoreMatcher;
}

/** A folder as the rules see it: read once, nothing is looked up later. */
export interface LintProject {
  /** Every file below the folder but for those of version control and packages; `complete` when none was left out. */
  files: ReadonlySet<string>;
  complete: boolean;
  configs: readonly BuildConfig[];
  dockerfiles: ReadonlyMap<string, DockerfileText>;
  /** What decides on the upload: the folder's .gcloudignore, or what gcloud assumes in a git working tree. */
  gcloudignore: Gcloudignore | undefined;
  /** By path: `DIR/.dockerignore`, `DIR/NAME.dockerignore`. */
  dockerignores: ReadonlyMap<string, Dockerignore>;
  ci: CiConfig | undefined;
  /** `docker build` in configs and CI jobs, as far as they can be understood. */
  calls: readonly DockerCall[];
  /** Files that can't be read as what they are, such as an ignore file with a broken pattern. */
  problems: readonly Problem[];
}
