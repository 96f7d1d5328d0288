import type { AttachedClient } from './attached-client.ts';
import type { TerminalSize } from './container.ts';

export interface ContainerExecs {
  /** @throws Problem `conflict`: `container NAME is not running` */
  create(name: string, request: ExecRequest): Promise<string>;
  get(exec: string): ExecState;
  /** @param client absent: detached */
  start(
    exec: string,
    size: TerminalSize | undefined,
    client: AttachedClient | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  resize(exec: string, size: TerminalSize): void;
}

export interface ExecRequest {
  args: string[];
  env: string[];
  cwd?: string | undefined;
  user?: string | undefined;
  terminal: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  privileged: boolean;
  detachKeys?: string | undefined;
}

export interface ExecState extends ExecRequest {
  id: string;
  container: string;
  running: boolean;
  exitCode: number | undefined;
  pid: number;
}
