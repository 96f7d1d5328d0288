import { resolve } from 'node:path';
import type { CliContext } from '../context.ts';

interface ServeFlags {
  listen?: string;
  dockerSocket?: string;
  content?: string;
}

export function serve(context: CliContext, { listen, dockerSocket, content }: ServeFlags): Promise<number> {
  const socket = dockerSocket === undefined ? undefined : resolve(dockerSocket);
  return context.services.serve({ data: context.data.root, listen, dockerSocket: socket, content });
}
