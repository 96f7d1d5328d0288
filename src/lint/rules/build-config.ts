import { isEventBuiltIn } from '../../builds/request/built-ins.ts';
import type { Complaint } from '../../builds/request/complaint.ts';
import { type Finding, findingOf, type Severity } from '../finding.ts';
import type { BuildConfig, ReadConfig } from '../project/build-config.ts';
import { sameComplaint } from '../project/build-config.ts';
import type { Rule } from '../rule.ts';

/**
 * Everything that the API would refuse. It is an error when a trigger's build would be refused as well, and a warning when
 * only the one or the other: nobody can tell from a file how it is run.
 */
export const buildConfig: Rule = {
  name: 'build-config',
  *check({ configs }) {
    for (const config of configs) {
      if (config.problem !== undefined) yield findingOf(config.problem, unreadable(config), config.file);
      if (config.read !== undefined) yield* findings(config.read);
    }
  },
};

/** A template of another tool is no build yet. */
function unreadable({ text }: BuildConfig): Severity {
  return /\{\{|\{%|<%/.test(text) ? 'warning' : 'error';
}

function* findings(read: ReadConfig): Generator<Finding> {
  const { triggered, manual, config } = read;
  const said = new Set<string>();
  const all = [
    ...triggered.complaints.filter(({ emptied }) => emptied === undefined),
    ...manual.complaints.filter(isWorthSaying),
  ];
  for (const complaint of all) {
    if (said.has(complaint.message)) continue;
    said.add(complaint.message);
    const [inTrigger, byHand] = [triggered, manual].map(({ complaints }) =>
      complaints.some((other) => sameComplaint(other, complaint)),
    );
    yield {
      severity: inTrigger && byHand ? 'error' : 'warning',
      message: withoutPrefix(complaint.message),
      place: config.placeOf(complaint.path, complaint.word),
      hint: complaint.hint,
    };
  }
}

/** What follows from a substitution without a value is said where that is missing; of an empty built-in nothing else tells. */
function isWorthSaying({ emptied }: Complaint): boolean {
  return emptied === undefined || emptied.every(isEventBuiltIn);
}

function withoutPrefix(message: string): string {
  return message
    .replace(/^invalid build: |^invalid value for 'build.substitutions': /, '')
    .replace(/; substitutions = map\[.*\]$/s, '');
}
