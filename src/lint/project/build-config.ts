import type { BuiltIns } from '../../builds/request/built-ins.ts';
import type { Complaint } from '../../builds/request/complaint.ts';
import { type ConfigFile, parseConfigFile } from '../../builds/request/config-file.ts';
import { type ExaminedRequest, examineRequest } from '../../builds/request/examine.ts';
import type { BuildRequest } from '../../builds/request/request.ts';
import { Problem } from '../../lib/problem.ts';
import type { LintText } from './project.ts';

/** A cloudbuild.yaml, read twice: as a person submits it, and as a trigger would run it. */
export interface BuildConfig extends LintText {
  /** Absent when the text is no build; then `problem` says why. */
  read: ReadConfig | undefined;
  problem: Problem | undefined;
}

export interface ReadConfig {
  config: ConfigFile;
  /** With everything that a push knows: what goes wrong here goes wrong always. */
  triggered: ExaminedRequest;
  /** Without: what else goes wrong when a person submits it as it stands. */
  manual: ExaminedRequest;
}

const SERVER = {
  PROJECT_ID: 'project',
  PROJECT_NUMBER: '123456789012',
  LOCATION: 'global',
  BUILD_ID: '00000000-0000-0000-0000-000000000000',
};
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** What a push of a tag to a repository would give. */
const EVENT: BuiltIns = {
  ...SERVER,
  TRIGGER_NAME: 'trigger',
  COMMIT_SHA: COMMIT,
  REVISION_ID: COMMIT,
  SHORT_SHA: COMMIT.slice(0, 7),
  REPO_NAME: 'repository',
  REPO_FULL_NAME: 'owner/repository',
  BRANCH_NAME: 'main',
  TAG_NAME: 'v1.0.0',
  REF_NAME: 'main',
  TRIGGER_BUILD_CONFIG_PATH: 'cloudbuild.yaml',
  SERVICE_ACCOUNT_EMAIL: 'builder@project.iam.gserviceaccount.com',
  SERVICE_ACCOUNT: 'projects/project/serviceAccounts/builder@project.iam.gserviceaccount.com',
};

export function readBuildConfig(text: string, file: string): BuildConfig {
  try {
    const config = parseConfigFile(text, file);
    const triggered = examineRequest(asTriggered(config.request), EVENT);
    const manual = examineRequest(config.request, SERVER);
    return { file, text, read: { config, triggered, manual }, problem: undefined };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { file, text, read: undefined, problem: error };
  }
}

/** What the hosted service sets for every build of a trigger. */
function asTriggered(request: BuildRequest): BuildRequest {
  const options = { ...request.options, substitutionOption: 'ALLOW_LOOSE' as const, dynamicSubstitutions: true };
  return { ...request, options };
}

/** Of complaints, whether two mean the same slip. */
export function sameComplaint(a: Complaint, b: Complaint): boolean {
  return a.message === b.message && a.path.join('.') === b.path.join('.');
}
