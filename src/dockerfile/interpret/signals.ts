/** Signals of Linux by name, without SIG; RTMIN+n and RTMAX-n besides. */
const NAMES = new Set(
  (
    'HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CLD CONT STOP TSTP TTIN TTOU ' +
    'URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS RTMIN RTMAX'
  ).split(' '),
);

export const SIGNAL_NAMES: readonly string[] = [...NAMES].map((name) => `SIG${name}`);

/** Whether STOPSIGNAL takes it: a number from 1 to 64, or a name with or without SIG. */
export function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, '');
  return NAMES.has(name) || /^RTMIN\+(?:[1-9]|1[0-5])$/.test(name) || /^RTMAX-(?:[1-9]|1[0-4])$/.test(name);
}
