import { Problem } from '../../../lib/problem.ts';
import { run } from '../../../lib/run.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { nameOf } from './lifecycle.ts';

/** `docker top`: what this machine's ps says of the container's processes. */
export async function top(call: DockerCall): Promise<void> {
  const args = (call.query.get('ps_args') || '-ef').split(/\s+/).filter((arg) => arg !== '');
  const pids = new Set(await call.house.containers.processes(nameOf(call)));
  const [titles, ...rows] = (await psOutput(args)).split('\n').filter((line) => line !== '');
  const Titles = (titles ?? '').trim().split(/\s+/);
  const column = Titles.indexOf('PID');
  if (column < 0) throw new DockerError(500, "Couldn't find PID field in ps output");
  const Processes = rows.map((row) => cellsOf(row, Titles.length)).filter((cells) => pids.has(Number(cells[column])));
  sendJson(call.response, 200, { Titles, Processes });
}

/** The last column is the command, blanks included. */
function cellsOf(row: string, columns: number): string[] {
  const cells = row.trim().split(/\s+/);
  return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(' ')];
}

async function psOutput(args: string[]): Promise<string> {
  try {
    const { code, stdout, stderr } = await run('ps', args, { timeout: 10_000 });
    if (code === 0) return stdout;
    throw new DockerError(500, `Error running ps: ${stderr.trim().split('\n')[0] ?? ''}`);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found')
      throw new DockerError(500, 'Error running ps: it is not installed on this machine', { cause: error });
    throw error;
  }
}
