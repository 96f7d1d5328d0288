import { Cron } from 'croner';
import { messageOf, Problem } from '../../lib/problem.ts';

export interface Schedule {
  schedule: string;
  timeZone?: string | undefined;
}

const FIELDS = 'Five fields: minute, hour, day of month, month, day of week. 0 3 * * 1-5 is at three on working days.';

/**
 * The first time of a schedule after `from`. Milliseconds since 1970.
 * @throws Problem `invalid` for what is no schedule, and for one that never comes
 */
export function nextTime({ schedule, timeZone = 'UTC' }: Schedule, from: number): number {
  // croner takes a date as well, which comes once; the fields of a schedule have no colon
  if (schedule.includes(':'))
    throw new Problem('invalid', `cron.schedule: ${schedule} is no schedule`, { hint: FIELDS });
  let next: Date | null;
  try {
    next = new Cron(schedule, { mode: '5-part', timezone: timeZone, paused: true }).nextRun(new Date(from));
  } catch (error) {
    const zone = /time ?zone/i.test(messageOf(error));
    throw new Problem(
      'invalid',
      zone ? `cron.timeZone: ${timeZone} is no time zone` : `cron.schedule: ${messageOf(error)}`,
      {
        hint: zone ? 'Names are those of the IANA database: Europe/Warsaw, UTC.' : FIELDS,
      },
    );
  }
  if (next === null) throw new Problem('invalid', `cron.schedule: ${schedule} never comes`);
  return next.getTime();
}
