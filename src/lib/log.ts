import { pino } from 'pino';

/**
 * The server's own log: structured lines on standard error. Authorization headers and tokens are never handed to it, and
 * the redaction below is the second line of defence.
 */
export const log = pino(
  {
    name: 'slipway',
    level: process.env['SLIPWAY_LOG'] ?? 'info',
    redact: { paths: ['*.authorization', 'authorization', '*.token', 'token', '*.password'], censor: '[kept secret]' },
  },
  pino.destination({ dest: 2, sync: true }),
);
