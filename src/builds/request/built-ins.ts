/** What the server knows of a build before it runs. */
export interface BuiltIns extends TriggerValues {
  PROJECT_ID: string;
  PROJECT_NUMBER: string;
  LOCATION: string;
  BUILD_ID: string;
}

/**
 * Built-ins that only an event knows (the hosted service's page on substitutions). A manual build may set them by
 * --substitutions, else they are empty.
 */
export const EVENT_BUILT_INS = [
  'TRIGGER_NAME',
  'COMMIT_SHA',
  'REVISION_ID',
  'SHORT_SHA',
  'REPO_NAME',
  'REPO_FULL_NAME',
  'BRANCH_NAME',
  'TAG_NAME',
  'REF_NAME',
  'TRIGGER_BUILD_CONFIG_PATH',
  'SERVICE_ACCOUNT_EMAIL',
  'SERVICE_ACCOUNT',
] as const;

/** Built-ins that an event fills. */
export type TriggerValues = Partial<Record<(typeof EVENT_BUILT_INS)[number], string>>;

export const SERVER_BUILT_INS = ['PROJECT_ID', 'PROJECT_NUMBER', 'LOCATION', 'BUILD_ID'] as const;

export function isEventBuiltIn(key: string): boolean {
  return EVENT_BUILT_INS.some((name) => name === key);
}
