import type { LogWriter } from '../../stores/logs/logs.ts';
import type { Build } from '../build.ts';
import type { BuildDeps } from './build-deps.ts';

/**
 * Where a build's log goes. With `logging: NONE` nothing is kept of it; the log is there, empty and closed, for those who
 * wait for its end.
 */
export function logWriter(build: Build, { logs }: BuildDeps): LogWriter {
  const writer = logs.writer(build.id);
  return build.options.logging === 'NONE' ? { append: () => undefined, close: () => writer.close() } : writer;
}
