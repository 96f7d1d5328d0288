import type { Build } from '../../builds/build.ts';
import { Problem } from '../../lib/problem.ts';

/** google.logging.type.LogSeverity. */
const SEVERITIES = {
  DEFAULT: 0,
  DEBUG: 100,
  INFO: 200,
  NOTICE: 300,
  WARNING: 400,
  ERROR: 500,
  CRITICAL: 600,
  ALERT: 700,
  EMERGENCY: 800,
} as const;

/** A line of a build's log as an entry of Cloud Logging. */
export interface BuildLogEntry {
  text: string;
  /** Microseconds since 1970. */
  timeMicros: number;
  severity: number;
  /** The same for a line whenever it is asked for, so clients can tell what they have seen. */
  insertId: string;
  /** `MAIN`, or the step as the log names it: `Step #1 - "test"`. */
  step: string;
}

/** What all entries of one build have in common. */
export interface BuildLogSource {
  logName: string;
  resource: { type: 'build'; labels: { build_id: string; project_id: string; build_trigger_id: string } };
}

export function sourceOf(build: Build): BuildLogSource {
  return {
    logName: `projects/${build.projectId}/logs/cloudbuild`,
    resource: {
      type: 'build',
      labels: { build_id: build.id, project_id: build.projectId, build_trigger_id: build.buildTriggerId ?? '' },
    },
  };
}

/**
 * A log keeps no time for each line, so an entry's is the log's beginning and one microsecond for each line before it: the
 * order of entries is the order of lines, and a line has the same time whoever asks.
 * @param begun milliseconds since 1970
 */
export function entryOf(build: string, text: string, line: number, begun: number): BuildLogEntry {
  return {
    text,
    timeMicros: begun * 1000 + line,
    severity: severityOfLine(text),
    insertId: `${build}-${line}`,
    step: /^(Step #\d+(?: - "[^"]*")?): /.exec(text)?.[1] ?? 'MAIN',
  };
}

/** Only what the build itself says of its end is known to be an error; what steps print is theirs. */
function severityOfLine(text: string): number {
  if (/^(ERROR|TIMEOUT|EXPIRED|CANCELLED)(:|$)/.test(text)) return SEVERITIES.ERROR;
  return /^WARNING:/.test(text) ? SEVERITIES.WARNING : SEVERITIES.INFO;
}

/** @param text a name or a number. @throws Problem `invalid` */
export function severityOf(text: string): number {
  const name = text.toUpperCase();
  if (Object.hasOwn(SEVERITIES, name)) return SEVERITIES[name as keyof typeof SEVERITIES];
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new Problem('invalid', `Unparseable filter: ${JSON.stringify(text.slice(0, 60))} is no severity.`, {
    hint: `Severities are ${Object.keys(SEVERITIES).join(', ')}.`,
  });
}

export function severityName(severity: number): string {
  return Object.entries(SEVERITIES).find(([, value]) => value === severity)?.[0] ?? 'DEFAULT';
}

/** RFC 3339 with microseconds. */
export function timeText(micros: number): string {
  const seconds = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19);
  return `${seconds}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}
