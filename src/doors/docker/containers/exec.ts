import { frame } from '../../../containers/attach/frames.ts';
import type { ExecState } from '../../../containers/container-execs.ts';
import { sendEmpty, sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError, failureOf } from '../errors.ts';
import { checkExec } from '../policy.ts';
import { readJsonObject } from '../read-json.ts';
import { streamType } from './attach.ts';
import { nameOf, sizeOf } from './lifecycle.ts';

export async function createExec(call: DockerCall): Promise<void> {
  const { house, response } = call;
  const body = await readJsonObject(call.request);
  const request = {
    args: body.stringOrStrings('Cmd') ?? [],
    env: body.strings('Env') ?? [],
    cwd: body.string('WorkingDir') || undefined,
    user: body.string('User') || undefined,
    terminal: body.boolean('Tty') ?? false,
    stdin: body.boolean('AttachStdin') ?? false,
    stdout: body.boolean('AttachStdout') ?? false,
    stderr: body.boolean('AttachStderr') ?? false,
    privileged: body.boolean('Privileged') ?? false,
    detachKeys: body.string('DetachKeys') || undefined,
  };
  if (request.args.length === 0) throw new DockerError(400, 'No exec command specified');
  checkExec(house.client, request);
  sendJson(response, 201, { Id: await house.containers.execs.create(nameOf(call), request) });
}

export async function startExec(call: DockerCall): Promise<void> {
  const { house, response, version, signal } = call;
  const { execs } = house.containers;
  const body = await readJsonObject(call.request);
  const exec = execs.get(idOf(call));
  const [rows, columns] = consoleSize(body.raw['ConsoleSize']);
  const size = rows > 0 && columns > 0 ? { rows, columns } : undefined;
  if (body.boolean('Detach') === true) {
    await execs.start(exec.id, size, undefined, signal);
    sendEmpty(response, 200);
    return;
  }
  checkStartable(exec);
  const socket = call.hijack({ upgrade: 'tcp', contentType: streamType(exec.terminal, version) });
  const { stdin, stdout, stderr, detachKeys } = exec;
  try {
    await execs.start(
      exec.id,
      size,
      { socket, stdin, stdout, stderr, replay: false, follow: true, detachKeys },
      signal,
    );
  } catch (error) {
    // the head has left: the reason is shown where the command's own output would be
    const text = Buffer.from(`${failureOf(error).message}\r\n`);
    socket.write(exec.terminal ? text : frame('stdout', text));
  }
}

/** @throws DockerError 409 */
function checkStartable({ id, running, exitCode }: ExecState): void {
  if (running) throw new DockerError(409, `Error: Exec command ${id} is already running`);
  if (exitCode !== undefined) throw new DockerError(409, `Error: Exec command ${id} has already run`);
}

function consoleSize(value: unknown): [rows: number, columns: number] {
  if (!Array.isArray(value)) return [0, 0];
  const [rows, columns] = value.map((part) => (Number.isInteger(part) && part >= 0 && part <= 65_535 ? part : 0));
  return [rows ?? 0, columns ?? 0];
}

export async function resizeExec(call: DockerCall): Promise<void> {
  call.house.containers.execs.resize(idOf(call), sizeOf(call));
  sendEmpty(call.response, 200);
}

export async function inspectExec(call: DockerCall): Promise<void> {
  const exec = call.house.containers.execs.get(idOf(call));
  const [program = '', ...args] = exec.args;
  sendJson(call.response, 200, {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode ?? null,
    ProcessConfig: {
      tty: exec.terminal,
      entrypoint: program,
      arguments: args,
      privileged: exec.privileged,
      ...(exec.user === undefined ? {} : { user: exec.user }),
    },
    OpenStdin: exec.stdin,
    OpenStderr: exec.stderr,
    OpenStdout: exec.stdout,
    CanRemove: !exec.running && exec.exitCode !== undefined,
    ContainerID: exec.container,
    DetachKeys: exec.detachKeys ?? '',
    Pid: exec.pid,
  });
}

function idOf({ params }: DockerCall): string {
  return params['id'] ?? '';
}
