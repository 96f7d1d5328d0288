import { type RequestOptions, request } from 'node:http';
import type { ControlCalls, ControlLine, ControlMethod } from '../doors/control/wire.ts';
import { cancelled } from '../lib/cancelled.ts';
import { hasErrorCode, Problem, problemFromJson } from '../lib/problem.ts';
import type { ControlClient } from './services.ts';
import { Unreachable } from './unreachable.ts';

/** The server's control door on the unix socket of its data folder. */
export function socketClient(socketPath: string): ControlClient {
  return {
    call: (method, body, onEvent, signal) => call(socketPath, method, body, onEvent, signal),
    close: async () => undefined,
  };
}

/** Whether a server answers there. A socket file that a dead server left counts as none. */
export async function serverAnswers(socketPath: string): Promise<boolean> {
  try {
    await call(socketPath, 'status', {});
    return true;
  } catch (error) {
    if (error instanceof Unreachable) return false;
    throw error;
  }
}

function call<M extends ControlMethod>(
  socketPath: string,
  method: M,
  body: ControlCalls[M]['request'],
  onEvent?: (event: ControlCalls[M]['event']) => void,
  signal?: AbortSignal,
): Promise<ControlCalls[M]['result']> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (end: () => void) => {
      settled = true;
      end();
    };
    const options: RequestOptions & { servername: string } = {
      socketPath,
      path: `/control/${method}`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // a name for TLS, which is not spoken here: to find out that it needs none, Node would compile a regular expression
      // for 4 ms, which a short command notices
      servername: '',
      signal,
    };
    const outgoing = request(options, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const parsed = JSON.parse(line) as ControlLine<M>;
          if ('event' in parsed) onEvent?.(parsed.event);
          else if ('problem' in parsed) settle(() => reject(problemFromJson(parsed.problem)));
          else settle(() => resolve(parsed.result));
        }
      });
      response.once('close', () => {
        if (settled) return;
        if (signal?.aborted) reject(cancelled());
        else
          reject(
            new Unreachable(
              'the server went away in the middle of the call',
              'What it said last is in its log. Start it again with `slipway serve`.',
            ),
          );
      });
    });
    outgoing.once('error', (error) => {
      if (settled) return;
      if (hasErrorCode(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET'))
        reject(
          new Unreachable(
            `no server answers at ${socketPath}`,
            'Start one with `slipway serve`, or name its data folder with --data.',
          ),
        );
      else if (hasErrorCode(error, 'EACCES'))
        reject(
          new Problem('denied', `${socketPath} belongs to another user`, {
            hint: `Run this as the user who runs the server. Over the network, SLIPWAY_URL and SLIPWAY_TOKEN_FILE name a server and
a token for submit and builds.`,
          }),
        );
      else if (signal?.aborted) reject(cancelled());
      else reject(error);
    });
    outgoing.end(JSON.stringify(body));
  });
}
